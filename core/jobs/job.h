#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/job_context.h"
#include "base/json.h"

namespace espalier {

using JobId = uint64_t;

// Plain data: everything that a job needs to run here or in another process.
struct JobSpec {
  std::string kind;  // "run_recipe", "train", "evaluate", "head_importance", "saliency", ...
  Json settings = Json::object();
  std::filesystem::path output_folder;  // where artifacts go; may be empty for jobs that only answer
  uint64_t seed = 1;
};

Json to_json(const JobSpec& spec);
JobSpec job_spec_from_json(const Json& json, std::string_view where);

enum class JobEventKind { Progress, Metric, Log, Result, Done, Failed, Cancelled };

// One thing heard of a job. After exactly one of Done, Failed, Cancelled nothing more comes.
struct JobEvent {
  JobId job = 0;
  JobEventKind kind = JobEventKind::Log;
  ProgressState progress;  // Progress
  std::string series;      // Metric
  double x = 0, y = 0;     // Metric
  std::string text;        // Log
  Json result;             // Result: a piece; Done: the job's whole answer
  ErrorInfo error;         // Failed

  bool is_final() const {
    return kind == JobEventKind::Done || kind == JobEventKind::Failed || kind == JobEventKind::Cancelled;
  }
};

Json to_json(const JobEvent& event);
JobEvent job_event_from_json(const Json& json, std::string_view where);

// Does one kind of job. Throws Error or Cancelled; returns the job's answer.
using JobFunction = std::function<Json(const JobSpec& spec, JobContext& context)>;

// The kinds that this program can do. Filled explicitly in main.
class JobKinds {
 public:
  void add(std::string kind, JobFunction function);
  const JobFunction& at(const std::string& kind) const;  // InvalidInput naming the known kinds
  std::vector<std::string> names() const;

 private:
  std::vector<std::pair<std::string, JobFunction>> kinds_;
};

// Runs jobs, one at a time, in the order of start(). Events come on the runner's own thread (inline: on the caller's),
// never after the runner is destroyed.
class JobRunner {
 public:
  using Listener = std::function<void(const JobEvent&)>;

  virtual ~JobRunner() = default;
  // Queues a job. The inline runner returns when it has ended.
  virtual JobId start(const JobSpec& spec, Listener listener) = 0;
  // Asks a job to stop; a queued job ends at once, a running one as soon as it looks, or is killed after the grace
  // period. Unknown or ended ids are ignored.
  virtual void cancel(JobId job) = 0;
  // Blocks until nothing is queued or running. For tests and the command line, never for a window.
  virtual void wait() = 0;
};

// Runs one job here and now and turns every exception into a final event.
void run_job(JobId id, const JobSpec& spec, const JobKinds& kinds, const CancelToken& cancel,
             const JobRunner::Listener& listener);

}  // namespace espalier
