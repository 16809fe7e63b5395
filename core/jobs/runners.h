#pragma once
#include <chrono>
#include <filesystem>
#include <memory>

#include "jobs/job.h"

namespace espalier {

// In this thread: start() returns when the job has ended. cancel() may be called from a listener or another thread.
std::unique_ptr<JobRunner> make_inline_runner(JobKinds kinds);

struct ProcessRunnerOptions {
  std::filesystem::path program;  // the espalier binary
  std::vector<std::string> arguments = {"worker"};
  std::chrono::milliseconds grace{400};  // between asking to cancel and killing
  std::vector<std::string> environment;  // "KEY=value" added to this process's own
};

// In a worker process (posix_spawn) that is kept warm between jobs, and replaced after it died, was killed, or failed
// with OutOfMemory or Device. A worker that dies fails its job with an error that says how (signal, exit status).
// Messages are JSON lines: {"run": spec, "id": n} and {"cancel": id} in, {"started": id} and events out. The destructor
// ends a running worker and gives no more events.
std::unique_ptr<JobRunner> make_process_runner(ProcessRunnerOptions options);

// The other end: serves jobs from stdin, events on stdout. The end of stdin stops the running job. What anything else
// prints on stdout goes to stderr. Returns the exit status.
int serve_jobs(const JobKinds& kinds);

}  // namespace espalier
