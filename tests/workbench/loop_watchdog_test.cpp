#include "app/workbench/loop_watchdog.h"

#include <QEvent>

#include <gtest/gtest.h>

namespace espalier {
namespace {

class Watchdog : public testing::Test {
 protected:
  // An event that takes this long, with what it does meanwhile in the middle.
  void handle(QObject* receiver, QEvent::Type type, double ms, const std::function<void()>& inside = {}) {
    const QEvent event(type);
    watchdog.enter(receiver, &event);
    now.ms += ms / 2;
    if (inside) inside();
    now.ms += ms / 2;
    watchdog.leave();
  }

  LoopWatchdog::Moment now;
  LoopWatchdog watchdog{[this] { return now; }, 50};
  QObject object;
};

TEST_F(Watchdog, KeepsOnlyWhatTookLongerThanTheLimit) {
  object.setObjectName("slow");
  handle(&object, QEvent::Timer, 50);
  EXPECT_TRUE(watchdog.longSlots().empty());
  handle(&object, QEvent::MouseButtonRelease, 51, [this] { now.processorMs += 7; });
  ASSERT_EQ(watchdog.longSlots().size(), 1u);
  EXPECT_EQ(watchdog.longSlots()[0].what, "MouseButtonRelease for QObject slow");
  EXPECT_DOUBLE_EQ(watchdog.longSlots()[0].ms, 51);
  EXPECT_DOUBLE_EQ(watchdog.longSlots()[0].processorMs, 7);
  EXPECT_TRUE(watchdog.longSlots()[0].slowest.isEmpty());
  EXPECT_EQ(watchdog.handled(), 2);
  EXPECT_DOUBLE_EQ(watchdog.longestMs(), 51);
}

TEST_F(Watchdog, AnEventInsideAnotherCountsOnceAndIsNamed) {
  int reports = 0;
  watchdog.setReport([&](const LongSlot&) { ++reports; });
  handle(&object, QEvent::UpdateRequest, 4, [this] {
    handle(&object, QEvent::Resize, 10);
    handle(&object, QEvent::Polish, 2, [this] { handle(&object, QEvent::Paint, 60); });
  });
  ASSERT_EQ(watchdog.longSlots().size(), 1u);
  EXPECT_EQ(watchdog.longSlots()[0].what, "UpdateRequest for QObject");
  EXPECT_EQ(watchdog.longSlots()[0].slowest, "Paint for QObject");
  EXPECT_DOUBLE_EQ(watchdog.longSlots()[0].ms, 76);
  EXPECT_EQ(reports, 1);
}

TEST_F(Watchdog, AnOpenDialogIsNoBlockedWindow) {
  handle(&object, QEvent::MouseButtonRelease, 20, [this] {
    // The dialog's own loop: it waits a minute, and once an event in it is slow.
    watchdog.loopWaits();
    now.ms += 60'000;
    watchdog.loopGoesOn();
    handle(&object, QEvent::KeyPress, 70);
    watchdog.loopWaits();
    now.ms += 60'000;
    watchdog.loopGoesOn();
  });
  ASSERT_EQ(watchdog.longSlots().size(), 1u);
  EXPECT_EQ(watchdog.longSlots()[0].what, "KeyPress for QObject");
  // The window's own loop waits between events.
  watchdog.loopWaits();
  now.ms += 1000;
  watchdog.loopGoesOn();
  handle(&object, QEvent::KeyPress, 10);
  EXPECT_EQ(watchdog.longSlots().size(), 1u);
}

TEST_F(Watchdog, WhatLedToADialogAndWhatFollowsItIsMeasuredApart) {
  handle(&object, QEvent::MouseButtonRelease, 160, [this] {
    watchdog.loopWaits();
    now.ms += 60'000;
    watchdog.loopGoesOn();
  });
  ASSERT_EQ(watchdog.longSlots().size(), 2u);
  EXPECT_DOUBLE_EQ(watchdog.longSlots()[0].ms, 80);
  EXPECT_DOUBLE_EQ(watchdog.longSlots()[1].ms, 80);
}

TEST_F(Watchdog, AnOrphanedLeaveIsIgnored) {
  watchdog.leave();
  watchdog.loopWaits();
  watchdog.loopGoesOn();
  EXPECT_TRUE(watchdog.longSlots().empty());
}

}  // namespace
}  // namespace espalier
