#include "measure/calibration.h"

#include <cmath>

#include "tests/measure/logits.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

TEST(Calibration, OfAHandCount) {
  // Bin (0.6, 0.7]: two rows of mean 0.65, one right. Bin (0.9, 1]: two rows of 0.95, both right.
  const double error = expected_calibration_error({0.62, 0.68, 0.95, 0.95}, {true, false, true, true});
  EXPECT_NEAR(error, 0.5 * std::abs(0.5 - 0.65) + 0.5 * std::abs(1 - 0.95), 1e-12);
}

TEST(Calibration, AnUpperEdgeBelongsToItsBin) {
  // 0.5 and 0.45 share (0.4, 0.5]: |1 - 0.475|; apart they would be (0.5 + 0.45) / 2 with 0.5 right.
  EXPECT_NEAR(expected_calibration_error({0.5, 0.45}, {true, false}), std::abs(0.5 - 0.475), 1e-12);
  EXPECT_NEAR(expected_calibration_error({0.5, 0.51}, {true, false}), (0.5 + 0.51) / 2, 1e-12);
  EXPECT_NEAR(expected_calibration_error({1.0, 0.0}, {true, false}), 0, 1e-12);
}

TEST(Calibration, OfLogitsUsesTheLargestProbability) {
  const float logit = std::log(4.0f);
  const Tensor logits = logits_of({{logit, 0}, {0, logit}, {logit, 0}, {0, logit}, {logit, 0}});
  // Confidence 0.8 of five rows, four right.
  const std::vector<int32_t> labels = {0, 1, 0, 1, 1};
  EXPECT_NEAR(calibration_statistic(logits, labels)(all_examples(5)), 0, 1e-7);
  const std::vector<uint32_t> wrong_only = {4, 4};
  EXPECT_NEAR(calibration_statistic(logits, labels)(wrong_only), 0.8, 1e-7);
}

TEST(Likelihood, GathersTheGoldColumnOfEachRow) {
  const Tensor logits = logits_of({{std::log(3.0f), 0}, {0, std::log(9.0f)}});
  const std::vector<double> losses = negative_log_likelihoods(logits, {0, 0});
  ASSERT_EQ(losses.size(), 2u);
  EXPECT_NEAR(losses[0], -std::log(0.75), 1e-6);
  EXPECT_NEAR(losses[1], -std::log(0.1), 1e-6);
  EXPECT_EQ(expect_error([&] { negative_log_likelihoods(logits, {0, 2}); }).kind(), ErrorKind::InvalidInput);
}

}  // namespace
}  // namespace espalier::test
