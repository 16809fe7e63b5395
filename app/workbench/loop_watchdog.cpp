#include "app/workbench/loop_watchdog.h"

#include <QAbstractEventDispatcher>
#include <QMetaEnum>
#include <QThread>

#include <time.h>

#include <algorithm>

namespace espalier {

namespace {

double readMs(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

QString describe(const QObject* receiver, const QEvent* event) {
  static const QMetaEnum kTypes = QMetaEnum::fromType<QEvent::Type>();
  const char* type = kTypes.valueToKey(event->type());
  QString text = QStringLiteral("%1 for %2")
                     .arg(type ? QLatin1String(type) : QLatin1String("event"),
                          receiver ? QLatin1String(receiver->metaObject()->className()) : QLatin1String("nobody"));
  if (receiver && !receiver->objectName().isEmpty()) text += QLatin1Char(' ') + receiver->objectName();
  return text;
}

}  // namespace

LoopWatchdog::LoopWatchdog(Clock clock, double limitMs) : m_clock(std::move(clock)), m_limitMs(limitMs) {}

LoopWatchdog::Moment LoopWatchdog::threadClock() { return {readMs(CLOCK_MONOTONIC), readMs(CLOCK_THREAD_CPUTIME_ID)}; }

void LoopWatchdog::enter(const QObject* receiver, const QEvent* event) {
  ++m_handled;
  m_frames.push_back({describe(receiver, event), m_clock(), {}, 0});
}

void LoopWatchdog::leave() {
  if (m_frames.empty()) return;
  const Moment now = m_clock();
  const Frame ended = std::move(m_frames.back());
  m_frames.pop_back();
  // The nested loop that ran inside this event is over.
  m_free = std::min(m_free, m_frames.size());
  if (m_frames.size() == m_free) return judge(ended, now);
  Frame& outer = m_frames.back();
  const double ms = now.ms - ended.began.ms;
  if (ms <= outer.slowestMs) return;
  outer.slowestMs = ms;
  // The innermost culprit says most, as long as it explains the greater part.
  outer.slowest = ended.slowestMs > ms / 2 ? ended.slowest : ended.what;
}

void LoopWatchdog::loopWaits() {
  if (m_frames.size() <= m_free) return;
  // The loop is a nested one: what led to it ends here for the person, who can click again.
  judge(m_frames[m_free], m_clock());
  m_free = m_frames.size();
}

void LoopWatchdog::loopGoesOn() {
  const Moment now = m_clock();
  for (size_t i = 0; i < m_free; ++i) {
    m_frames[i].began = now;
    m_frames[i].slowest.clear();
    m_frames[i].slowestMs = 0;
  }
}

void LoopWatchdog::judge(const Frame& frame, const Moment& now) {
  const double ms = now.ms - frame.began.ms;
  m_longestMs = std::max(m_longestMs, ms);
  if (ms <= m_limitMs) return;
  m_long.push_back({frame.what, frame.slowest, ms, now.processorMs - frame.began.processorMs});
  if (m_report) m_report(m_long.back());
}

void WatchedApplication::setWatchdog(LoopWatchdog* watchdog) {
  m_watchdog = watchdog;
  QAbstractEventDispatcher* loop = QAbstractEventDispatcher::instance(thread());
  loop->disconnect(this);
  if (!watchdog) return;
  connect(loop, &QAbstractEventDispatcher::aboutToBlock, this, [watchdog] { watchdog->loopWaits(); });
  connect(loop, &QAbstractEventDispatcher::awake, this, [watchdog] { watchdog->loopGoesOn(); });
}

bool WatchedApplication::notify(QObject* receiver, QEvent* event) {
  if (!m_watchdog || QThread::currentThread() != thread()) return QApplication::notify(receiver, event);
  LoopWatchdog* watchdog = m_watchdog;
  watchdog->enter(receiver, event);
  const bool accepted = QApplication::notify(receiver, event);
  watchdog->leave();
  return accepted;
}

}  // namespace espalier
