#include "measure/interval.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/json.h"
#include "measure/normal.h"

namespace espalier {

void add_interval(Json& json, const std::string& name, const Interval& interval) {
  json[name] = interval.value;
  json[name + "_low"] = interval.low;
  json[name + "_high"] = interval.high;
}

Interval proportion(int64_t hits, int64_t n) {
  if (n <= 0) return {0, 0, 1};
  const double size = static_cast<double>(n), p = static_cast<double>(hits) / size, z2 = kZ95 * kZ95;
  const double centre = (p + z2 / (2 * size)) / (1 + z2 / size);
  const double half = kZ95 / (1 + z2 / size) * std::sqrt(p * (1 - p) / size + z2 / (4 * size * size));
  // At the ends rounding could leave the value outside its own interval.
  return {p, std::min(p, std::max(0.0, centre - half)), std::max(p, std::min(1.0, centre + half))};
}

std::vector<uint32_t> all_examples(size_t n) {
  std::vector<uint32_t> examples(n);
  std::iota(examples.begin(), examples.end(), uint32_t{0});
  return examples;
}

void resample(std::vector<uint32_t>& examples, Rng& rng) {
  for (uint32_t& example : examples) example = static_cast<uint32_t>(rng.below(examples.size()));
}

std::pair<double, double> middle_95(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    return values[static_cast<size_t>(std::lround(share * static_cast<double>(values.size() - 1)))];
  };
  return {at(0.025), at(0.975)};
}

Interval bootstrap(size_t n, const Statistic& statistic, uint64_t seed) {
  if (n == 0) return {};
  std::vector<uint32_t> examples = all_examples(n);
  Interval interval;
  interval.value = statistic(examples);
  Rng rng(seed);
  std::vector<double> values;
  for (int round = 0; round < kBootstrapResamples; ++round) {
    resample(examples, rng);
    values.push_back(statistic(examples));
  }
  std::tie(interval.low, interval.high) = middle_95(std::move(values));
  return interval;
}

Interval bootstrap_mean(const std::vector<double>& scores, uint64_t seed) {
  return bootstrap(
      scores.size(),
      [&](std::span<const uint32_t> examples) {
        double sum = 0;
        for (const uint32_t example : examples) sum += scores[example];
        return sum / static_cast<double>(examples.size());
      },
      seed);
}

}  // namespace espalier
