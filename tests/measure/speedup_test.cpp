#include "measure/speedup.h"

#include "tests/support/support.h"

namespace espalier::test {
namespace {

TEST(Speedup, LayersOfKnownExits) {
  EXPECT_DOUBLE_EQ(layer_speedup(12, {6, 6, 6}), 2.0);
  EXPECT_DOUBLE_EQ(layer_speedup(12, {12, 12}), 1.0);
  EXPECT_DOUBLE_EQ(layer_speedup(12, {3, 9}), 2.0);
  EXPECT_DOUBLE_EQ(layer_speedup_from_saved(0.5), 2.0);
  EXPECT_DOUBLE_EQ(layer_speedup_from_saved(0), 1.0);
}

TEST(Speedup, RatiosOfTimesInvert) {
  EXPECT_DOUBLE_EQ(measured_speedup(3, 2) * measured_speedup(2, 3), 1);
  EXPECT_DOUBLE_EQ(measured_speedup(3, 2), 1.5);
}

TEST(Speedup, TheTwoHaveDifferentNames) { EXPECT_NE(kMeasuredSpeedup, kLayerSpeedup); }

TEST(Speedup, ImpossibleFiguresAreRefused) {
  for (const auto& action : std::vector<std::function<void()>>{
           [] { measured_speedup(1, 0); }, [] { layer_speedup(12, {}); }, [] { layer_speedup(12, {13}); },
           [] { layer_speedup(12, {0}); }, [] { layer_speedup_from_saved(1); }}) {
    EXPECT_EQ(expect_error(action).kind(), ErrorKind::InvalidInput);
  }
}

}  // namespace
}  // namespace espalier::test
