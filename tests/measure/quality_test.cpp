#include "measure/quality.h"

#include <cmath>

#include "base/rng.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

using Labels = std::vector<int32_t>;

Tensor logits_of(const std::vector<std::vector<float>>& rows) {
  std::vector<float> values;
  for (const auto& row : rows) values.insert(values.end(), row.begin(), row.end());
  return Tensor::from({static_cast<int64_t>(rows.size()), static_cast<int64_t>(rows.front().size())}, values);
}

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

TEST(Correlation, RanksWithTiesAreMeans) {
  EXPECT_NEAR(spearman({1, 2, 2, 3}, {1, 2, 3, 4}), 4.5 / std::sqrt(4.5 * 5), 1e-12);
  EXPECT_NEAR(spearman({1, 2, 3, 4}, {1, 8, 27, 64}), 1, 1e-12);
  EXPECT_NEAR(pearson({1, 2, 3}, {6, 4, 2}), -1, 1e-12);
  EXPECT_EQ(pearson({1, 1, 1}, {1, 2, 3}), 0);
}

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
  EXPECT_EQ(expect_error([] {
              label_loyalty(logits_of({{1, 2}}), logits_of({{1, 2, 3}}));
            }).kind(),
            ErrorKind::InvalidInput);
}

TEST(Loyalty, ProbabilityAgreementOfKnownRows) {
  EXPECT_NEAR(probability_agreement({.75, .2, .05}, {.8, .1, .1}), 0.8853452, 1e-7);
  EXPECT_NEAR(probability_agreement({1, 0}, {0, 1}), 0.1674454, 1e-7);
  EXPECT_DOUBLE_EQ(probability_agreement({.3, .7}, {.3, .7}), 1);
  EXPECT_DOUBLE_EQ(probability_agreement({.1, .9}, {.6, .4}), probability_agreement({.6, .4}, {.1, .9}));
}

TEST(Loyalty, OfLogits) {
  const auto logs = [](std::vector<double> p) {
    std::vector<float> row;
    for (const double value : p) row.push_back(static_cast<float>(std::log(value) + 3));
    return row;
  };
  const Tensor a = logits_of({logs({.75, .2, .05}), logs({.1, .1, .8})});
  const Tensor b = logits_of({logs({.8, .1, .1}), logs({.1, .1, .8})});
  EXPECT_NEAR(probability_loyalty(a, b), (0.8853452 + 1) / 2, 1e-6);
  EXPECT_EQ(label_loyalty(a, b), 1);
  const Tensor c = logits_of({{0, 1, 0}, {0, 0, 1}});
  EXPECT_EQ(label_loyalty(a, c), 0.5);
  EXPECT_EQ(label_loyalty(c, a), 0.5);
  EXPECT_EQ(label_loyalty(c, c), 1);
}

}  // namespace
}  // namespace espalier::test
