#include "measure/loyalty.h"

#include <cmath>

#include "base/rng.h"
#include "tests/measure/logits.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

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

TEST(Loyalty, BaseTwoOfKnownRows) {
  EXPECT_NEAR(probability_agreement({.75, .2, .05}, {.8, .1, .1}, LogBase::Two), 0.8622855, 1e-7);
  EXPECT_NEAR(probability_agreement({1, 0}, {0, 1}, LogBase::Two), 0, 1e-12);
}

TEST(Loyalty, LabelsSurviveAnyIncreasingTransform) {
  Rng rng(4);
  std::vector<std::vector<float>> a, b, cubed;
  for (int i = 0; i < 50; ++i) {
    a.push_back({static_cast<float>(rng.normal()), static_cast<float>(rng.normal()), static_cast<float>(rng.normal())});
    b.push_back({static_cast<float>(rng.normal()), static_cast<float>(rng.normal()), static_cast<float>(rng.normal())});
    cubed.push_back({});
    for (const float value : b.back()) cubed.back().push_back(5 * value * value * value - 2);
  }
  const double loyalty = label_loyalty(logits_of(a), logits_of(b));
  EXPECT_EQ(label_loyalty(logits_of(a), logits_of(cubed)), loyalty);
  EXPECT_EQ(label_loyalty(logits_of(b), logits_of(a)), loyalty);
  EXPECT_DOUBLE_EQ(fidelity(logits_of(a), logits_of(b)).agreement_percent.value, 100 * loyalty);
}

TEST(Loyalty, DifferentShapesAreRefused) {
  EXPECT_EQ(expect_error([] {
              label_loyalty(logits_of({{1, 2}}), logits_of({{1, 2, 3}}));
            }).kind(),
            ErrorKind::InvalidInput);
}

TEST(Fidelity, DivergenceOfAHandCount) {
  // KL([3/4, 1/4] || [1/2, 1/2]) and back.
  const Tensor teacher = logits_of({{static_cast<float>(std::log(3.0)), 0}}), student = logits_of({{0, 0}});
  EXPECT_NEAR(fidelity(teacher, student).kl.value, 0.75 * std::log(1.5) + 0.25 * std::log(0.5), 1e-7);
  EXPECT_NEAR(fidelity(student, teacher).kl.value, 0.5 * std::log(2.0 / 3) + 0.5 * std::log(2.0), 1e-7);
  EXPECT_EQ(fidelity(teacher, teacher).kl.value, 0);
  EXPECT_NEAR(kl_divergence({.75, .25}, {.5, .5}), fidelity(teacher, student).kl.value, 1e-7);
  EXPECT_TRUE(std::isinf(kl_divergence({.5, .5}, {1, 0})));
}

TEST(Fidelity, CalibrationNeedsGoldLabels) {
  const Tensor sure = logits_of({{30, 0}, {30, 0}}), unsure = logits_of({{0.001f, 0}, {0.001f, 0}});
  const Fidelity with = fidelity(sure, unsure, {0, 1});
  EXPECT_NEAR(with.teacher_ece, 0.5, 1e-6);
  EXPECT_NEAR(with.student_ece, 0, 1e-3);
  EXPECT_EQ(fidelity(sure, unsure).teacher_ece, 0);
}

TEST(Ensemble, OfEqualTeachersIsOneOfThem) {
  const Tensor one = logits_of({{1, 2, -0.5f}, {0, 0.25f, 3}});
  const Tensor three = ensemble_log_probabilities({one, one, one});
  EXPECT_NEAR(fidelity(one, three).kl.value, 0, 1e-7);
  EXPECT_NEAR(fidelity(three, one).kl.value, 0, 1e-7);
}

TEST(Ensemble, AveragesProbabilitiesAndNotLogits) {
  const Tensor mean = ensemble_log_probabilities({logits_of({{std::log(9.0f), 0}}), logits_of({{0, 0}})});
  // (0.9 + 0.5) / 2.
  EXPECT_NEAR(std::exp(mean.values<float>()[0]), 0.7, 1e-6);
  EXPECT_NEAR(std::exp(mean.values<float>()[1]), 0.3, 1e-6);
}

}  // namespace
}  // namespace espalier::test
