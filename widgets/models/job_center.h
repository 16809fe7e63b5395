#pragma once
// Every job that the window starts, as the window's thread sees it. Two lanes, each with a warm worker of its own: long
// work queues in one, short questions (check, attention, examples) are answered by the other meanwhile.

#include <QObject>
#include <QPointF>
#include <QPointer>
#include <QString>
#include <QStringList>

#include <functional>
#include <memory>
#include <vector>

#include "jobs/job.h"

namespace espalier {

enum class JobLane { Work, Questions };
enum class JobState { Queued, Running, Done, Failed, Cancelled };

// What is known of a job.
struct JobEntry {
  quint64 id = 0;  // the window's own number
  QString title;   // "Run: heads and int8"
  JobSpec spec;
  JobLane lane = JobLane::Work;
  JobState state = JobState::Queued;
  bool cancelling = false;
  ProgressState progress;
  QStringList log;  // the last 2,000 lines
  struct Point {
    QString series;
    double x = 0, y = 0;
  };
  std::vector<Point> metrics;
  ErrorInfo error;
};

// What the asker wants to hear. All are called on the window's thread, and none once `receiver` is gone.
struct JobCallbacks {
  std::function<void(const Json& piece)> result;
  std::function<void(const Json& answer)> done;
  std::function<void(const ErrorInfo& error)> failed;
  std::function<void()> cancelled;
};

class JobCenter : public QObject {
  Q_OBJECT

 public:
  using MakeRunner = std::function<std::unique_ptr<JobRunner>()>;

  // Runners are made when a lane is first used.
  explicit JobCenter(MakeRunner makeRunner, QObject* parent = nullptr);
  ~JobCenter() override;

  // Starts or queues a job. Jobs of the work lane are listed; questions are not.
  quint64 start(const JobSpec& spec, JobLane lane, const QString& title, QObject* receiver, JobCallbacks callbacks);
  void cancel(quint64 id);
  // Cancels every listed job that has not ended.
  void cancelAll();

  // Listed jobs, oldest first.
  int count() const { return static_cast<int>(m_listed.size()); }
  const JobEntry& at(int row) const { return *m_listed[static_cast<size_t>(row)]; }
  // Null for unknown and forgotten jobs.
  const JobEntry* find(quint64 id) const;
  bool hasUnfinished() const;
  // Takes ended jobs off the list.
  void clearEnded();

 Q_SIGNALS:
  void jobAboutToBeAdded(int row);
  void jobAdded(int row);
  void jobChanged(int row);
  void jobsAboutToBeReset();
  void jobsReset();
  void metricAdded(quint64 id, const QString& series, double x, double y);
  void logAdded(quint64 id, const QString& line);

 private:
  struct Task;
  JobRunner& runner(JobLane lane);
  void handle(quint64 id, const JobEvent& event);
  void finish(Task& task, const JobEvent& event);
  int rowOf(quint64 id) const;
  Task* task(quint64 id);

  MakeRunner m_makeRunner;
  std::unique_ptr<JobRunner> m_runners[2];
  std::vector<std::unique_ptr<Task>> m_tasks;
  std::vector<std::shared_ptr<JobEntry>> m_listed;
  quint64 m_nextId = 1;
};

// "running", "queued", ...
QString jobStateText(const JobEntry& job);

}  // namespace espalier
