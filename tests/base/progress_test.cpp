#include "base/progress.h"

#include <gtest/gtest.h>

#include <vector>

namespace espalier {
namespace {

using std::chrono::milliseconds;

// A bar whose clock stands still until it is moved.
struct Bar {
  Progress::TimePoint now{};
  std::vector<ProgressState> seen;
  Progress progress{[this](const ProgressState& state) { seen.push_back(state); }, [this] { return now; }};
};

TEST(Progress, ReachesTheSinkTenTimesASecondAtMost) {
  Bar bar;
  for (int i = 0; i < 1000; ++i) {
    bar.progress.report(i / 1000.0);
    bar.now += milliseconds(5);
  }
  EXPECT_GE(bar.seen.size(), 49u);
  EXPECT_LE(bar.seen.size(), 51u);
}

TEST(Progress, SaysStagesAndTheEndAtOnce) {
  Bar bar;
  bar.progress.report(0.1);
  bar.progress.set_stage("second");
  bar.progress.set_stage("second");
  bar.progress.report(1.0);
  bar.progress.report(1.0);
  ASSERT_EQ(bar.seen.size(), 3u);
  EXPECT_EQ(bar.seen[1].stage, "second");
  EXPECT_EQ(bar.seen[2].fraction, 1.0);
  EXPECT_EQ(bar.seen[2].seconds_left, 0.0);
}

TEST(Progress, TimeLeftFollowsFromElapsedAndFraction) {
  Bar bar;
  bar.progress.report(0.0);
  EXPECT_EQ(bar.seen.back().seconds_left, -1);
  bar.now += milliseconds(10'000);
  bar.progress.report(0.25, 40, "tokens");
  EXPECT_DOUBLE_EQ(bar.seen.back().seconds_left, 30);
  EXPECT_DOUBLE_EQ(bar.seen.back().seconds_elapsed, 10);
  EXPECT_EQ(bar.seen.back().unit, "tokens");
}

TEST(Progress, SlicesNestAndNeverRunBack) {
  Bar bar;
  Progress nested = bar.progress.slice(0.5, 1.0).slice(0.0, 0.5);
  bar.progress.report(0.5);
  bar.now += milliseconds(200);
  nested.report(0.5);
  EXPECT_DOUBLE_EQ(bar.seen.back().fraction, 0.625);
  bar.now += milliseconds(200);
  nested.report(-3);
  EXPECT_DOUBLE_EQ(bar.seen.back().fraction, 0.625);
  bar.now += milliseconds(200);
  nested.report(7);
  EXPECT_DOUBLE_EQ(bar.seen.back().fraction, 0.75);
}

TEST(Progress, WithoutASinkNothingHappens) {
  Progress nobody;
  nobody.report(0.5);
  nobody.set_stage("x");
  nobody.slice(0, 1).report(1);
}

}  // namespace
}  // namespace espalier
