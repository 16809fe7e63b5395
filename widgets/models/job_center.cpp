#include "widgets/models/job_center.h"

#include <QCoreApplication>

#include <algorithm>

namespace espalier {

namespace {
constexpr qsizetype kLogLines = 2000;
}

struct JobCenter::Task {
  std::shared_ptr<JobEntry> entry;
  JobId runnerId = 0;
  QPointer<QObject> receiver;
  JobCallbacks callbacks;
};

JobCenter::JobCenter(MakeRunner makeRunner, QObject* parent) : QObject(parent), m_makeRunner(std::move(makeRunner)) {}

JobCenter::~JobCenter() = default;

JobRunner& JobCenter::runner(JobLane lane) {
  std::unique_ptr<JobRunner>& slot = m_runners[lane == JobLane::Work ? 0 : 1];
  if (!slot) slot = m_makeRunner();
  return *slot;
}

JobCenter::Task* JobCenter::task(quint64 id) {
  for (const auto& candidate : m_tasks) {
    if (candidate->entry->id == id) return candidate.get();
  }
  return nullptr;
}

const JobEntry* JobCenter::find(quint64 id) const {
  const int row = rowOf(id);
  return row < 0 ? nullptr : &at(row);
}

int JobCenter::rowOf(quint64 id) const {
  for (size_t row = 0; row < m_listed.size(); ++row) {
    if (m_listed[row]->id == id) return static_cast<int>(row);
  }
  return -1;
}

quint64 JobCenter::start(const JobSpec& spec, JobLane lane, const QString& title, QObject* receiver,
                         JobCallbacks callbacks) {
  auto entry = std::make_shared<JobEntry>();
  entry->id = m_nextId++;
  entry->title = title;
  entry->spec = spec;
  entry->lane = lane;
  const quint64 id = entry->id;
  auto added = std::make_unique<Task>();
  added->entry = entry;
  added->receiver = receiver;
  added->callbacks = std::move(callbacks);
  Task* started = added.get();
  m_tasks.push_back(std::move(added));
  if (lane == JobLane::Work) {
    const int row = count();
    Q_EMIT jobAboutToBeAdded(row);
    m_listed.push_back(entry);
    Q_EMIT jobAdded(row);
  }
  // Events come on the runner's thread, for a runner in this thread even before start() returns; each is posted, so
  // that every callback runs from the event loop.
  const auto listener = [guard = QPointer<JobCenter>(this), id](const JobEvent& event) {
    QCoreApplication* application = QCoreApplication::instance();
    if (!application) return;
    QMetaObject::invokeMethod(
        application,
        [guard, id, event] {
          if (guard) guard->handle(id, event);
        },
        Qt::QueuedConnection);
  };
  try {
    started->runnerId = runner(lane).start(spec, listener);
  } catch (...) {
    JobEvent event;
    event.kind = JobEventKind::Failed;
    event.error = current_error_info();
    listener(event);
  }
  return id;
}

void JobCenter::cancel(quint64 id) {
  Task* cancelled = task(id);
  if (!cancelled) return;
  cancelled->entry->cancelling = true;
  if (const int row = rowOf(id); row >= 0) Q_EMIT jobChanged(row);
  runner(cancelled->entry->lane).cancel(cancelled->runnerId);
}

void JobCenter::cancelAll() {
  for (const auto& entry : m_listed) {
    if (entry->state == JobState::Queued || entry->state == JobState::Running) cancel(entry->id);
  }
}

bool JobCenter::hasUnfinished() const {
  return std::any_of(m_listed.begin(), m_listed.end(), [](const auto& entry) {
    return entry->state == JobState::Queued || entry->state == JobState::Running;
  });
}

void JobCenter::clearEnded() {
  Q_EMIT jobsAboutToBeReset();
  std::erase_if(m_listed, [](const auto& entry) {
    return entry->state != JobState::Queued && entry->state != JobState::Running;
  });
  Q_EMIT jobsReset();
}

void JobCenter::handle(quint64 id, const JobEvent& event) {
  Task* heard = task(id);
  if (!heard) return;
  JobEntry& entry = *heard->entry;
  if (entry.state == JobState::Queued && !event.is_final()) entry.state = JobState::Running;
  switch (event.kind) {
    case JobEventKind::Progress:
      entry.progress = event.progress;
      break;
    case JobEventKind::Metric: {
      const QString series = QString::fromStdString(event.series);
      entry.metrics.push_back({series, event.x, event.y});
      Q_EMIT metricAdded(id, series, event.x, event.y);
      return;
    }
    case JobEventKind::Log: {
      const QString line = QString::fromStdString(event.text);
      entry.log << line;
      if (entry.log.size() > kLogLines) entry.log.removeFirst();
      Q_EMIT logAdded(id, line);
      return;
    }
    case JobEventKind::Result:
      if (heard->receiver && heard->callbacks.result) heard->callbacks.result(event.result);
      return;
    case JobEventKind::Done:
    case JobEventKind::Failed:
    case JobEventKind::Cancelled:
      finish(*heard, event);
      return;
  }
  if (const int row = rowOf(id); row >= 0) Q_EMIT jobChanged(row);
}

void JobCenter::finish(Task& task, const JobEvent& event) {
  const std::shared_ptr<JobEntry> entry = task.entry;
  const QPointer<QObject> receiver = task.receiver;
  const JobCallbacks callbacks = std::move(task.callbacks);
  std::erase_if(m_tasks, [&](const auto& candidate) { return candidate->entry == entry; });
  switch (event.kind) {
    case JobEventKind::Done:
      entry->state = JobState::Done;
      entry->progress.fraction = 1;
      break;
    case JobEventKind::Cancelled:
      entry->state = JobState::Cancelled;
      break;
    default:
      entry->state = JobState::Failed;
      entry->error = event.error;
      entry->log << QString::fromStdString(event.error.message);
      if (!event.error.detail.empty()) entry->log << QString::fromStdString(event.error.detail);
      Q_EMIT logAdded(entry->id, entry->log.last());
      break;
  }
  entry->progress.seconds_left = -1;
  if (const int row = rowOf(entry->id); row >= 0) Q_EMIT jobChanged(row);
  if (!receiver) return;
  if (entry->state == JobState::Done && callbacks.done) callbacks.done(event.result);
  if (entry->state == JobState::Failed && callbacks.failed) callbacks.failed(event.error);
  if (entry->state == JobState::Cancelled && callbacks.cancelled) callbacks.cancelled();
}

QString jobStateText(const JobEntry& job) {
  switch (job.state) {
    case JobState::Queued:
      return JobCenter::tr("queued");
    case JobState::Running:
      return job.cancelling ? JobCenter::tr("cancelling") : JobCenter::tr("running");
    case JobState::Done:
      return JobCenter::tr("done");
    case JobState::Failed:
      return JobCenter::tr("failed");
    case JobState::Cancelled:
      return JobCenter::tr("cancelled");
  }
  return {};
}

}  // namespace espalier
