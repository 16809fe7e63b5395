#pragma once
// Notes every piece of work that kept the window's thread from its event loop for too long, and what it was.

#include <QApplication>
#include <QObject>
#include <QString>

#include <functional>
#include <vector>

namespace espalier {

// Nothing may keep the window's thread longer than this.
inline constexpr double kLongestSlotMs = 50;

// One event whose handling took too long.
struct LongSlot {
  QString what;            // "MouseButtonRelease for QToolButton runButton"
  QString slowest;         // the longest event handled inside it; empty when there was none
  double ms = 0;           // from its beginning to its end
  double processorMs = 0;  // of these, spent computing by this thread: the rest was waiting for a disk or a turn
};

// Measures the events of one thread. Events nest: an event handled inside another counts to the outer one, except that
// a nested event loop (an open dialog) gives the thread free, so what waits around it is not counted while it waits.
class LoopWatchdog {
 public:
  struct Moment {
    double ms = 0;           // any clock that does not jump
    double processorMs = 0;  // of this thread
  };
  using Clock = std::function<Moment()>;

  explicit LoopWatchdog(Clock clock = threadClock, double limitMs = kLongestSlotMs);

  // Called for each long piece of work as it ends, besides keeping it.
  void setReport(std::function<void(const LongSlot&)> report) { m_report = std::move(report); }

  // Around the handling of an event.
  void enter(const QObject* receiver, const QEvent* event);
  void leave();
  // The event loop waits for something to do, and goes on.
  void loopWaits();
  void loopGoesOn();

  const std::vector<LongSlot>& longSlots() const { return m_long; }
  qint64 handled() const { return m_handled; }  // events, nested ones included
  double longestMs() const { return m_longestMs; }

  static Moment threadClock();

 private:
  struct Frame {
    QString what;
    Moment began;
    QString slowest;
    double slowestMs = 0;
  };
  void judge(const Frame& frame, const Moment& now);

  Clock m_clock;
  double m_limitMs;
  std::function<void(const LongSlot&)> m_report;
  std::vector<Frame> m_frames;
  size_t m_free = 0;  // frames below this one wait around a nested event loop
  std::vector<LongSlot> m_long;
  qint64 m_handled = 0;
  double m_longestMs = 0;
};

// An application that can tell a watchdog of its events; without one it costs a comparison an event.
class WatchedApplication : public QApplication {
  Q_OBJECT

 public:
  using QApplication::QApplication;

  // Must outlive the application's event loop.
  void setWatchdog(LoopWatchdog* watchdog);
  bool notify(QObject* receiver, QEvent* event) override;

 private:
  LoopWatchdog* m_watchdog = nullptr;
};

}  // namespace espalier
