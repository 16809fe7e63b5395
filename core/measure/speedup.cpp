#include "measure/speedup.h"

#include <numeric>
#include <string>

#include "base/error.h"

namespace espalier {
namespace {

[[noreturn]] void refuse(const std::string& what, double got, const std::string& wanted) {
  throw Error(ErrorKind::InvalidInput,
              {.what = what, .where = {}, .got = std::to_string(got), .wanted = wanted, .next = {}});
}

}  // namespace

double measured_speedup(double baseline_time, double time) {
  for (const double value : {baseline_time, time}) {
    if (!(value > 0)) refuse("a speed-up needs two measured times", value, "above 0");
  }
  return baseline_time / time;
}

double layer_speedup(int64_t num_layers, const std::vector<int64_t>& executed_layers) {
  if (executed_layers.empty()) refuse("a layer speed-up needs examples", 0, "at least one");
  for (const int64_t layers : executed_layers) {
    if (layers < 1 || layers > num_layers) {
      refuse("an example executed an impossible number of layers", static_cast<double>(layers),
             "1 to " + std::to_string(num_layers));
    }
  }
  const auto total = std::accumulate(executed_layers.begin(), executed_layers.end(), int64_t{0});
  return static_cast<double>(num_layers) * static_cast<double>(executed_layers.size()) / static_cast<double>(total);
}

double layer_speedup_from_saved(double saved_frac) {
  if (!(saved_frac >= 0 && saved_frac < 1)) refuse("this is no saved share of layers", saved_frac, "0 to below 1");
  return 1 / (1 - saved_frac);
}

}  // namespace espalier
