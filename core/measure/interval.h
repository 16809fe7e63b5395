#pragma once
// A value with its 95 % interval: Wilson's for proportions, percentile bootstrap (Efron 1979) for everything else.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/json_fwd.h"
#include "base/rng.h"

namespace espalier {

struct Interval {
  double value = 0, low = 0, high = 0;
};

// "name", "name_low", "name_high".
void add_interval(Json& json, const std::string& name, const Interval& interval);

// Hits of n with a Wilson score interval (Wilson 1927) at 95 %. n = 0 gives 0 in [0, 1].
Interval proportion(int64_t hits, int64_t n);

inline constexpr int kBootstrapResamples = 1000;
inline constexpr uint64_t kBootstrapSeed = 1;

// A measure of a set of examples, given by their indices; an index may occur several times.
using Statistic = std::function<double(std::span<const uint32_t> examples)>;

// Every index below n once, and n draws of such an index with replacement.
std::vector<uint32_t> all_examples(size_t n);
void resample(std::vector<uint32_t>& examples, Rng& rng);

// The values at 2.5 % and 97.5 % of the sorted order. Values must not be empty.
std::pair<double, double> middle_95(std::vector<double> values);

// The statistic on all n examples, and its interval over 1,000 resamples. n = 0 gives zeros.
Interval bootstrap(size_t n, const Statistic& statistic, uint64_t seed = kBootstrapSeed);
// Of the mean of one score an example.
Interval bootstrap_mean(const std::vector<double>& scores, uint64_t seed = kBootstrapSeed);

}  // namespace espalier
