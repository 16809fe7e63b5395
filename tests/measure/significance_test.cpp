#include "measure/significance.h"

#include <cmath>

#include "tests/support/support.h"

namespace espalier::test {
namespace {

std::vector<bool> flags(int ones, int zeros) {
  std::vector<bool> all(static_cast<size_t>(ones), true);
  all.resize(static_cast<size_t>(ones + zeros), false);
  return all;
}

double mcnemar_of(int lost, int won) {
  std::vector<bool> baseline = flags(lost, won), other = baseline;
  other.flip();
  return mcnemar_p(baseline, other);
}

TEST(McNemar, ExactBelowFiftyAndChiSquareAbove) {
  EXPECT_NEAR(mcnemar_of(1, 9), 22.0 / 1024, 1e-12);
  EXPECT_NEAR(mcnemar_of(9, 1), 22.0 / 1024, 1e-12);
  EXPECT_EQ(mcnemar_of(0, 0), 1);
  EXPECT_EQ(mcnemar_of(5, 5), 1);
  // (|60 - 40| - 1)^2 / 100 = 3.61, whose tail is 2 (1 - Phi(1.9)).
  EXPECT_NEAR(mcnemar_of(60, 40), 0.0574331, 1e-6);
  EXPECT_EQ(mcnemar_of(50, 50), 1);
}

TEST(McNemar, OnlyDisagreementCounts) {
  const std::vector<bool> a = {true, true, false, false, true}, b = {true, false, false, true, true};
  std::vector<bool> more_a = a, more_b = b;
  for (int i = 0; i < 100; ++i) {
    more_a.push_back(i % 2 == 0);
    more_b.push_back(i % 2 == 0);
  }
  EXPECT_DOUBLE_EQ(mcnemar_p(a, b), mcnemar_p(more_a, more_b));
}

TEST(Randomization, AgreesWithTheExactSignTest) {
  // Ten equal gains: of the 2^10 ways to swap, two are as large.
  const std::vector<double> baseline(10, 0.0), other(10, 1.0);
  EXPECT_NEAR(randomization_p(baseline, other), 2.0 / 1024, 0.004);
  EXPECT_EQ(randomization_p(other, baseline), randomization_p(baseline, other));
}

TEST(Randomization, EqualScoresCannotBeToldApart) {
  const std::vector<double> scores = {0.2, 0.5, 1, 0};
  EXPECT_EQ(randomization_p(scores, scores), 1);
  EXPECT_EQ(randomization_p({1, 0, 1, 0}, {0, 1, 0, 1}), 1);
}

Statistic mean_of(const std::vector<double>& scores) {
  return [&scores](std::span<const uint32_t> examples) {
    double sum = 0;
    for (const uint32_t example : examples) sum += scores[example];
    return sum / static_cast<double>(examples.size());
  };
}

TEST(PairedBootstrap, SeesACommonShiftThroughLargeNoise) {
  Rng rng(3);
  std::vector<double> baseline, other;
  for (int i = 0; i < 200; ++i) {
    baseline.push_back(10 * rng.normal());
    other.push_back(baseline.back() + 0.5 + 0.1 * rng.normal());
  }
  const PairedDifference result = paired_bootstrap(200, mean_of(baseline), mean_of(other));
  EXPECT_NEAR(result.difference.value, 0.5, 0.03);
  EXPECT_NEAR(result.difference.high - result.difference.low, 2 * 1.96 * 0.1 / std::sqrt(200.0), 0.006);
  EXPECT_LE(result.p, 0.002);
}

TEST(PairedBootstrap, NoDifferenceHasAPOfOne) {
  const std::vector<double> scores = {0.2, 0.5, 1, 0};
  const PairedDifference result = paired_bootstrap(4, mean_of(scores), mean_of(scores));
  EXPECT_EQ(result.p, 1);
  EXPECT_EQ(result.difference.low, 0);
  EXPECT_EQ(result.difference.high, 0);
}

TEST(PairedBootstrap, IsUniformUnderNoEffect) {
  // Of 100 pairs of equal models about 5 fall below 0.05.
  Rng rng(9);
  int below = 0;
  for (uint64_t trial = 0; trial < 100; ++trial) {
    std::vector<double> baseline, other;
    for (int i = 0; i < 60; ++i) {
      baseline.push_back(rng.normal());
      other.push_back(rng.normal());
    }
    below += paired_bootstrap(60, mean_of(baseline), mean_of(other), trial).p < 0.05;
  }
  EXPECT_GE(below, 1);
  EXPECT_LE(below, 12);
}

}  // namespace
}  // namespace espalier::test
