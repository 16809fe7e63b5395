#include "measure/significance.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "measure/check_sizes.h"

namespace espalier {
namespace {

constexpr int64_t kExactMcNemarBelow = 50;
// Differences that are equal but for rounding count as equal.
constexpr double kRounding = 1e-12;

double p_of(int64_t as_large) { return static_cast<double>(as_large + 1) / (kBootstrapResamples + 1); }

}  // namespace

double mcnemar_p(const std::vector<bool>& baseline_right, const std::vector<bool>& right) {
  check_sizes(baseline_right.size(), right.size());
  int64_t lost = 0, won = 0;
  for (size_t i = 0; i < right.size(); ++i) {
    lost += baseline_right[i] && !right[i];
    won += !baseline_right[i] && right[i];
  }
  const int64_t n = lost + won;
  if (n == 0) return 1;
  if (n < kExactMcNemarBelow) {
    // Both tails of Binomial(n, 1/2).
    double term = std::pow(0.5, static_cast<double>(n)), tail = 0;
    for (int64_t k = 0; k <= std::min(lost, won); ++k) {
      tail += term;
      term *= static_cast<double>(n - k) / static_cast<double>(k + 1);
    }
    return std::min(1.0, 2 * tail);
  }
  const double distance = std::max(0.0, std::abs(static_cast<double>(lost - won)) - 1);
  // Upper tail of chi-square with one degree of freedom.
  return std::erfc(distance / std::sqrt(2 * static_cast<double>(n)));
}

double randomization_p(const std::vector<double>& baseline_scores, const std::vector<double>& scores, uint64_t seed) {
  check_sizes(baseline_scores.size(), scores.size());
  std::vector<double> differences;
  for (size_t i = 0; i < scores.size(); ++i) differences.push_back(scores[i] - baseline_scores[i]);
  const double seen = std::abs(std::accumulate(differences.begin(), differences.end(), 0.0));
  Rng rng(seed);
  int64_t as_large = 0;
  for (int round = 0; round < kBootstrapResamples; ++round) {
    double sum = 0;
    for (const double difference : differences) sum += rng.below(2) == 0 ? difference : -difference;
    as_large += std::abs(sum) >= seen - kRounding;
  }
  return p_of(as_large);
}

PairedDifference paired_bootstrap(size_t n, const Statistic& baseline, const Statistic& other, uint64_t seed) {
  if (n == 0) return {};
  std::vector<uint32_t> examples = all_examples(n);
  PairedDifference result;
  result.difference.value = other(examples) - baseline(examples);
  Rng rng(seed);
  std::vector<double> differences;
  for (int round = 0; round < kBootstrapResamples; ++round) {
    resample(examples, rng);
    differences.push_back(other(examples) - baseline(examples));
  }
  const double mean = std::accumulate(differences.begin(), differences.end(), 0.0) / kBootstrapResamples;
  const auto as_large = std::ranges::count_if(differences, [&](double difference) {
    return std::abs(difference - mean) >= std::abs(result.difference.value) - kRounding;
  });
  result.p = p_of(as_large);
  std::tie(result.difference.low, result.difference.high) = middle_95(std::move(differences));
  return result;
}

}  // namespace espalier
