#include "measure/interval.h"

#include <cmath>

#include "tests/support/support.h"

namespace espalier::test {
namespace {

TEST(Proportion, WilsonsIntervalOfKnownCases) {
  // R, package binom: binom.confint(8, 10, methods = "wilson") and (0, 10).
  EXPECT_NEAR(proportion(8, 10).low, 0.4901625, 1e-6);
  EXPECT_NEAR(proportion(8, 10).high, 0.9433178, 1e-6);
  EXPECT_EQ(proportion(0, 10).low, 0);
  EXPECT_NEAR(proportion(0, 10).high, 0.2775328, 1e-6);
  EXPECT_EQ(proportion(10, 10).high, 1);
  EXPECT_NEAR(proportion(781, 872).value, 0.8956422, 1e-7);
}

TEST(Proportion, TheIntervalHoldsTheValueAndShrinks) {
  for (int64_t n = 1; n < 200; n += 7) {
    for (int64_t hits = 0; hits <= n; ++hits) {
      const Interval interval = proportion(hits, n);
      EXPECT_LE(interval.low, interval.value);
      EXPECT_GE(interval.high, interval.value);
    }
  }
  EXPECT_LT(proportion(500, 1000).high - proportion(500, 1000).low, proportion(50, 100).high - proportion(50, 100).low);
}

TEST(Bootstrap, OfAMeanIsTheNormalInterval) {
  // Half ones: the standard error of the mean is 0.5 / sqrt(n).
  std::vector<double> scores(400);
  for (size_t i = 0; i < scores.size(); i += 2) scores[i] = 1;
  const Interval interval = bootstrap_mean(scores);
  EXPECT_DOUBLE_EQ(interval.value, 0.5);
  EXPECT_NEAR(interval.low, 0.5 - 1.96 * 0.025, 0.006);
  EXPECT_NEAR(interval.high, 0.5 + 1.96 * 0.025, 0.006);
}

TEST(Bootstrap, SameSeedSameInterval) {
  const std::vector<double> scores = {0.1, 0.7, 0.3, 0.9, 0.2, 0.4, 0.4};
  EXPECT_EQ(bootstrap_mean(scores).low, bootstrap_mean(scores).low);
  EXPECT_NE(bootstrap_mean(scores, 1).low, bootstrap_mean(scores, 3).low);
}

TEST(Bootstrap, OfAConstantHasNoWidth) {
  const Interval interval = bootstrap_mean({0.25, 0.25, 0.25});
  EXPECT_EQ(interval.low, 0.25);
  EXPECT_EQ(interval.high, 0.25);
  EXPECT_EQ(bootstrap_mean({}).value, 0);
}

}  // namespace
}  // namespace espalier::test
