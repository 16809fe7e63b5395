#include "measure/shifted.h"

#include "base/rng.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

TEST(Shifted, AModelOfTheShortcutFallsToChance) {
  // The label, and a shortcut that equals it on dev and is a coin elsewhere; the model answers with the shortcut.
  Rng rng(2);
  std::vector<bool> dev, shifted;
  for (int i = 0; i < 2000; ++i) {
    const bool label = rng.chance(0.5), dev_shortcut = label, shifted_shortcut = rng.chance(0.5);
    dev.push_back(dev_shortcut == label);
    shifted.push_back(shifted_shortcut == label);
  }
  const ShiftedQuality quality = shifted_quality(dev, shifted);
  EXPECT_EQ(quality.dev_accuracy.value, 1);
  EXPECT_LT(quality.shifted_accuracy.low, 0.5);
  EXPECT_GT(quality.shifted_accuracy.high, 0.5);
  EXPECT_DOUBLE_EQ(quality.drop, 1 - quality.shifted_accuracy.value);
}

TEST(Shifted, TheGapOfAModelToItselfIsZero) {
  EXPECT_EQ(relative_gap(0.2, 0.2), 0);
  EXPECT_DOUBLE_EQ(relative_gap(0.3, 0.2).value(), 0.5);
  EXPECT_FALSE(relative_gap(0.1, 0).has_value());
}

TEST(Difficulty, SplitsAtTheMedianOfTheVariance) {
  const std::vector<double> variances = loss_variances({{1, 0, 2, 5}, {1, 2, 2, 1}, {1, 1, 2, 3}});
  EXPECT_DOUBLE_EQ(variances[0], 0);
  EXPECT_DOUBLE_EQ(variances[1], 2.0 / 3);
  EXPECT_DOUBLE_EQ(variances[3], 8.0 / 3);
  const DifficultyQuality quality = quality_by_difficulty({true, false, true, false}, variances);
  EXPECT_EQ(quality.easy_accuracy.value, 1);
  EXPECT_EQ(quality.hard_accuracy.value, 0);
}

}  // namespace
}  // namespace espalier::test
