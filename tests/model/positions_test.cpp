#include "model/positions.h"

#include <gtest/gtest.h>

#include <cmath>

namespace espalier {
namespace {

TEST(Positions, SinesAndCosinesStandInTurnOrInHalves) {
  const auto turns = sinusoidal_table(PositionKind::Sinusoidal, 3, 6);
  const auto halves = sinusoidal_table(PositionKind::SinusoidalHalves, 3, 6);
  for (int64_t row = 0; row < 3; ++row) {
    for (int64_t pair = 0; pair < 3; ++pair) {
      const double angle = static_cast<double>(row) / std::pow(10000.0, static_cast<double>(2 * pair) / 6);
      const auto at = static_cast<size_t>(row * 6);
      EXPECT_NEAR(turns[at + static_cast<size_t>(2 * pair)], std::sin(angle), 1e-6);
      EXPECT_NEAR(turns[at + static_cast<size_t>(2 * pair + 1)], std::cos(angle), 1e-6);
      EXPECT_NEAR(halves[at + static_cast<size_t>(pair)], std::sin(angle), 1e-6);
      EXPECT_NEAR(halves[at + static_cast<size_t>(3 + pair)], std::cos(angle), 1e-6);
    }
  }
  // An odd width has one sine more.
  EXPECT_EQ(sinusoidal_table(PositionKind::Sinusoidal, 2, 5).size(), 10U);
  EXPECT_NEAR(sinusoidal_table(PositionKind::SinusoidalHalves, 2, 5)[8], std::cos(1.0), 1e-6);
}

TEST(Positions, BucketsAreSingleDistancesAndThenPowers) {
  const RelativeBiasSpec spec{.buckets = 32, .max_distance = 128, .heads = 4};
  // Both directions: half the buckets each, 8 of them single distances.
  EXPECT_EQ(relative_bucket(spec, false, 0), 0);
  EXPECT_EQ(relative_bucket(spec, false, -7), 7);
  EXPECT_EQ(relative_bucket(spec, false, 7), 23);
  EXPECT_EQ(relative_bucket(spec, false, -8), 8);
  EXPECT_EQ(relative_bucket(spec, false, -16), 10);  // 8 + log 2 / log 16 * 8
  EXPECT_EQ(relative_bucket(spec, false, -100'000), 15);
  EXPECT_EQ(relative_bucket(spec, false, 100'000), 31);
  // Causal: all for the past; the future falls to distance 0.
  EXPECT_EQ(relative_bucket(spec, true, 5), 0);
  EXPECT_EQ(relative_bucket(spec, true, -15), 15);
  EXPECT_EQ(relative_bucket(spec, true, -127), 31);
  int64_t previous = 0;
  for (int64_t away = 0; away < 200; ++away) {
    const int64_t bucket = relative_bucket(spec, true, -away);
    EXPECT_GE(bucket, previous);
    previous = bucket;
  }
}

}  // namespace
}  // namespace espalier
