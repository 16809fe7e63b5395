#include "measure/quality.h"
#include "base/json.h"

#include <cmath>

#include "base/rng.h"
#include "tests/measure/logits.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

using Labels = std::vector<int32_t>;

TEST(F1, OfAHandCount) {
  // 6 hits, 1 false alarm, 2 misses: 12 / 15.
  const Labels labels = {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0}, predictions = {1, 1, 1, 1, 1, 1, 0, 0, 1, 0, 0, 0};
  EXPECT_DOUBLE_EQ(f1_score(labels, predictions), 12.0 / 15);
  EXPECT_DOUBLE_EQ(f1_score(labels, predictions, 0), 6.0 / 9);
  EXPECT_DOUBLE_EQ(macro_f1(labels, predictions, 2), (12.0 / 15 + 6.0 / 9) / 2);
  EXPECT_DOUBLE_EQ(f1_score({0, 0}, {0, 0}), 0);
}

TEST(Matthews, OfKnownCases) {
  const Labels labels = {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0}, predictions = {1, 1, 1, 1, 1, 1, 0, 0, 1, 0, 0, 0};
  EXPECT_NEAR(matthews(labels, predictions, 2), 16 / std::sqrt(7.0 * 8 * 4 * 5), 1e-12);
  EXPECT_NEAR(matthews({0, 1, 2, 2}, {0, 1, 2, 1}, 3), 0.7, 1e-12);
  EXPECT_EQ(matthews({0, 1, 0}, {1, 1, 1}, 2), 0);
  EXPECT_NEAR(matthews({0, 1, 0}, {1, 0, 1}, 2), -1, 1e-12);
}

TEST(Quality, CountsEveryExampleAndRepeats) {
  const Tensor logits = logits_of({{2, 1}, {0, 1}, {3, 4}, {5, 0}});
  const Labels labels = {0, 1, 0, 0};
  const Quality quality = classification_quality(logits, labels, 3);
  EXPECT_EQ(quality.examples, 4);
  EXPECT_EQ(quality.predictions, (Labels{0, 1, 1, 0}));
  EXPECT_EQ(quality.right, (std::vector<bool>{true, true, false, true}));
  EXPECT_DOUBLE_EQ(quality.accuracy.value, 0.75);
  EXPECT_DOUBLE_EQ(quality.f1.value, 2.0 / 3);
  EXPECT_EQ(to_json(quality), to_json(classification_quality(logits, labels, 3)));
  EXPECT_EQ(to_json(quality).at("accuracy"), 0.75);
}

TEST(Quality, TheBootstrapIntervalHoldsTheValue) {
  Rng rng(5);
  std::vector<std::vector<float>> rows;
  Labels labels;
  for (int i = 0; i < 400; ++i) {
    labels.push_back(static_cast<int32_t>(rng.below(2)));
    const auto guess = rng.chance(0.8) ? labels.back() : 1 - labels.back();
    rows.push_back({guess == 0 ? 1.0f : 0.0f, guess == 1 ? 1.0f : 0.0f});
  }
  const Quality quality = classification_quality(logits_of(rows), labels);
  EXPECT_LT(quality.mcc.low, quality.mcc.value);
  EXPECT_GT(quality.mcc.high, quality.mcc.value);
  // The standard error of an accuracy of 0.8 over 400 is 0.02; F1 of a balanced task is near it.
  EXPECT_NEAR(quality.f1.high - quality.f1.low, 4 * 0.02, 0.03);
}

TEST(Quality, BadInputIsRefused) {
  EXPECT_EQ(expect_error([] { classification_quality(logits_of({{1, 2}}), {2}); }).kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(expect_error([] { classification_quality(logits_of({{1, 2}}), {0, 1}); }).kind(), ErrorKind::InvalidInput);
}

TEST(Quality, CarriesCalibrationAndLikelihood) {
  // Confidence 0.75 of two rows, one of them right: bin error |0.5 - 0.75|.
  const auto row = [](double p) { return std::vector<float>{static_cast<float>(std::log(p / (1 - p))), 0}; };
  const Quality quality = classification_quality(logits_of({row(0.75), row(0.75)}), {0, 1});
  EXPECT_NEAR(quality.calibration_error.value, 0.25, 1e-6);
  EXPECT_NEAR(quality.nll.value, -(std::log(0.75) + std::log(0.25)) / 2, 1e-6);
  EXPECT_NEAR(to_json(quality).at("calibration_error").get<double>(), 0.25, 1e-6);
}

TEST(OutOfScope, RecallAndInScopeAccuracyAreApart) {
  const OutOfScope quality = out_of_scope_quality({0, 1, 2, 2, 2, 2, 1}, {0, 2, 2, 2, 2, 0, 1}, 2);
  EXPECT_DOUBLE_EQ(quality.in_scope_accuracy.value, 2.0 / 3);
  EXPECT_DOUBLE_EQ(quality.out_of_scope_recall.value, 0.75);
  EXPECT_NEAR(quality.out_of_scope_recall.low, proportion(3, 4).low, 1e-15);
}

}  // namespace
}  // namespace espalier::test
