#include "measure/shifted.h"

#include <algorithm>

#include "base/error.h"
#include "measure/check_sizes.h"

namespace espalier {
namespace {

Interval accuracy_of(const std::vector<bool>& right) {
  return proportion(std::ranges::count(right, true), static_cast<int64_t>(right.size()));
}

}  // namespace

ShiftedQuality shifted_quality(const std::vector<bool>& dev_right, const std::vector<bool>& shifted_right) {
  ShiftedQuality quality = {accuracy_of(dev_right), accuracy_of(shifted_right)};
  quality.drop = quality.dev_accuracy.value - quality.shifted_accuracy.value;
  return quality;
}

std::optional<double> relative_gap(double compressed_drop, double full_drop) {
  if (full_drop == 0) return std::nullopt;
  return (compressed_drop - full_drop) / full_drop;
}

std::vector<double> loss_variances(const std::vector<std::vector<double>>& losses) {
  if (losses.empty()) throw Error(ErrorKind::InvalidInput, "the variance of a loss needs at least one epoch");
  const double epochs = static_cast<double>(losses.size());
  std::vector<double> variances(losses.front().size());
  for (const auto& epoch : losses) check_sizes(epoch.size(), variances.size());
  for (size_t i = 0; i < variances.size(); ++i) {
    double mean = 0;
    for (const auto& epoch : losses) mean += epoch[i] / epochs;
    for (const auto& epoch : losses) variances[i] += (epoch[i] - mean) * (epoch[i] - mean) / epochs;
  }
  return variances;
}

DifficultyQuality quality_by_difficulty(const std::vector<bool>& right, const std::vector<double>& difficulty) {
  check_sizes(right.size(), difficulty.size());
  std::vector<uint32_t> order = all_examples(right.size());
  std::ranges::stable_sort(order, {}, [&](uint32_t example) { return difficulty[example]; });
  std::vector<bool> easy, hard;
  for (size_t i = 0; i < order.size(); ++i) (i < order.size() / 2 ? easy : hard).push_back(right[order[i]]);
  return {accuracy_of(easy), accuracy_of(hard)};
}

}  // namespace espalier
