// One thread owns the worker: it starts it, polls its streams, counts down the grace of a cancelled job and calls the
// listeners. start() and cancel() only leave a note and wake it.
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "jobs/runners.h"
#include "jobs/worker_process.h"

namespace espalier {
namespace {

using Clock = std::chrono::steady_clock;

// Between SIGTERM and SIGKILL: together with the grace period it stays under half a second.
constexpr std::chrono::milliseconds kTerminateGrace{50};
// A worker whose output has ended is about to be reaped; it gets this long to do so by itself.
constexpr std::chrono::milliseconds kExitPatience{200};

struct Queued {
  JobId id = 0;
  JobSpec spec;
  JobRunner::Listener listener;
  bool cancelled = false;
};

enum class Stopping { No, Asked, Terminated, Killed };

struct Running {
  JobId id = 0;
  JobRunner::Listener listener;
  std::string message;   // what was sent to the worker
  bool started = false;  // the worker has said so
  Stopping stopping = Stopping::No;
  Clock::time_point deadline = {};
};

class ProcessRunner : public JobRunner {
 public:
  explicit ProcessRunner(ProcessRunnerOptions options)
      : options_(std::move(options)), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (wake_.get() < 0) throw Error(ErrorKind::Io, "cannot make an event descriptor for the job runner");
    thread_ = std::thread([this] { loop(); });
  }

  ~ProcessRunner() override {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    wake();
    thread_.join();
  }

  JobId start(const JobSpec& spec, Listener listener) override {
    JobId id = 0;
    {
      const std::lock_guard lock(mutex_);
      id = next_++;
      queue_.push_back({id, spec, std::move(listener)});
    }
    wake();
    return id;
  }

  void cancel(JobId job) override {
    {
      const std::lock_guard lock(mutex_);
      for (Queued& queued : queue_) queued.cancelled |= queued.id == job;
      cancel_current_ |= current_id_ == job;
    }
    wake();
  }

  void wait() override {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [&] { return ending_ || (queue_.empty() && current_id_ == 0 && !delivering_); });
  }

 private:
  void wake() const {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof one);
  }

  void loop() {
    while (true) {
      std::vector<Queued> ended;
      std::optional<Queued> next;
      bool cancel_asked = false;
      {
        const std::lock_guard lock(mutex_);
        if (ending_) break;
        const auto first =
            std::stable_partition(queue_.begin(), queue_.end(), [](const Queued& job) { return !job.cancelled; });
        ended.assign(std::make_move_iterator(first), std::make_move_iterator(queue_.end()));
        queue_.erase(first, queue_.end());
        if (current_id_ == 0 && !queue_.empty()) {
          next = std::move(queue_.front());
          queue_.pop_front();
          current_id_ = next->id;
          cancel_current_ = false;
        }
        cancel_asked = cancel_current_;
        delivering_ = !ended.empty();
      }
      for (const Queued& job : ended) deliver(job.listener, cancelled_event(job.id));
      if (next) begin(*next);
      if (running_ && cancel_asked) advance_cancel();
      {
        const std::lock_guard lock(mutex_);
        delivering_ = false;
        if (queue_.empty() && current_id_ == 0) idle_.notify_all();
        // A job that ended just now leaves the turn to the next one.
        if (current_id_ == 0 && !queue_.empty()) continue;
      }
      poll_once();
    }
    // No event may come once the runner is being destroyed, so what is left ends in silence.
    running_.reset();
    worker_.reset();
    const std::lock_guard lock(mutex_);
    idle_.notify_all();
  }

  void begin(const Queued& job) {
    running_.emplace();
    running_->id = job.id;
    running_->listener = job.listener;
    const Json message = {{"run", to_json(job.spec)}, {"id", job.id}};
    running_->message = message.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (worker_ && worker_->has_ended()) worker_.reset();
    send_job();
  }

  void send_job() {
    try {
      worker_was_warm_ = worker_.has_value();
      if (!worker_) worker_.emplace(options_);
      worker_->send(running_->message);
    } catch (...) {
      JobEvent event;
      event.kind = JobEventKind::Failed;
      event.error = current_error_info();
      worker_.reset();
      finish(std::move(event));
    }
  }

  void advance_cancel() {
    Running& job = *running_;
    const auto now = Clock::now();
    if (job.stopping != Stopping::No && now < job.deadline) return;
    switch (job.stopping) {
      case Stopping::No:
        worker_->send(Json{{"cancel", job.id}}.dump());
        job.stopping = Stopping::Asked;
        job.deadline = now + options_.grace;
        break;
      case Stopping::Asked:
        worker_->signal(SIGTERM);
        job.stopping = Stopping::Terminated;
        job.deadline = now + kTerminateGrace;
        break;
      case Stopping::Terminated:
        worker_->signal(SIGKILL);
        job.stopping = Stopping::Killed;
        job.deadline = Clock::time_point::max();
        break;
      case Stopping::Killed:
        break;
    }
  }

  int poll_timeout_ms() const {
    if (!running_ || running_->stopping == Stopping::No || running_->stopping == Stopping::Killed) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(running_->deadline - Clock::now());
    return static_cast<int>(std::max<int64_t>(0, left.count()));
  }

  void poll_once() {
    // poll ignores entries with a negative descriptor.
    pollfd entries[4] = {{wake_.get(), POLLIN, 0},
                         {worker_ ? worker_->output_fd() : -1, POLLIN, 0},
                         {worker_ ? worker_->errors_fd() : -1, POLLIN, 0},
                         {worker_ && worker_->has_unsent() ? worker_->input_fd() : -1, POLLOUT, 0}};
    if (poll(entries, 4, poll_timeout_ms()) <= 0) return;
    if (entries[0].revents != 0) {
      uint64_t count = 0;
      [[maybe_unused]] const ssize_t got = read(wake_.get(), &count, sizeof count);
    }
    if (entries[3].revents != 0) worker_->flush();
    if (entries[2].revents != 0) worker_->read_errors([this](const std::string& line) { log(line); });
    if (entries[1].revents != 0 && !worker_->read_output([this](const std::string& line) { receive(line); })) {
      lose_worker();
    } else if (replace_worker_) {
      worker_.reset();
    }
    replace_worker_ = false;
  }

  void receive(const std::string& line) {
    JobEvent event;
    try {
      const Json message = parse_json(line, "message of the worker");
      if (message.is_object() && message.contains("started")) {
        if (running_ && message.at("started") == running_->id) running_->started = true;
        return;
      }
      event = job_event_from_json(message, "message of the worker");
    } catch (const Error& error) {
      return log("The worker sent a line that is no message (" + std::string(error.what()) +
                 "): " + line.substr(0, 200));
    }
    if (!running_ || event.job != running_->id) return;
    if (!event.is_final()) return deliver(running_->listener, event);
    // Memory and devices are not to be trusted after such a failure.
    replace_worker_ = event.kind == JobEventKind::Failed &&
                      (event.error.kind == ErrorKind::OutOfMemory || event.error.kind == ErrorKind::Device);
    finish(std::move(event));
  }

  void lose_worker() {
    const std::string how = worker_->end(kExitPatience);
    for (int i = 0; i < 16 && worker_->errors_fd() >= 0; ++i) {
      worker_->read_errors([this](const std::string& line) { log(line); });
    }
    const std::string last_words = worker_->last_words();
    worker_.reset();
    if (!running_) return;
    if (running_->stopping != Stopping::No) return finish(cancelled_event(running_->id));
    // It died between two jobs: this one never began, so it loses nothing by beginning in a fresh worker.
    if (worker_was_warm_ && !running_->started) return send_job();
    JobEvent event;
    event.kind = JobEventKind::Failed;
    event.error =
        Error(ErrorKind::Internal,
              {.what = "the worker process that ran this job " + how,
               .where = {},
               .got = {},
               .wanted = {},
               .next = "Steps that were finished are kept: start the job again to continue after them. If the "
                       "machine ran out of memory, use a smaller batch or close other programs."})
            .info();
    event.error.detail = last_words;
    finish(std::move(event));
  }

  void finish(JobEvent event) {
    event.job = running_->id;
    const Listener listener = std::move(running_->listener);
    running_.reset();
    deliver(listener, event);
    const std::lock_guard lock(mutex_);
    current_id_ = 0;
    cancel_current_ = false;
  }

  void log(const std::string& text) {
    if (!running_) return;
    JobEvent event;
    event.job = running_->id;
    event.text = text;
    deliver(running_->listener, event);
  }

  void deliver(const Listener& listener, const JobEvent& event) {
    {
      const std::lock_guard lock(mutex_);
      if (ending_) return;
    }
    listener(event);
  }

  static JobEvent cancelled_event(JobId id) {
    JobEvent event;
    event.job = id;
    event.kind = JobEventKind::Cancelled;
    return event;
  }

  const ProcessRunnerOptions options_;
  const FileDescriptor wake_;

  std::mutex mutex_;  // guards what follows, up to the blank line
  std::condition_variable idle_;
  std::deque<Queued> queue_;
  JobId next_ = 1;
  JobId current_id_ = 0;  // 0: none
  bool cancel_current_ = false;
  bool delivering_ = false;
  bool ending_ = false;

  std::optional<WorkerProcess> worker_;  // of the runner's thread only, as are the next three
  std::optional<Running> running_;
  bool worker_was_warm_ = false;
  bool replace_worker_ = false;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<JobRunner> make_process_runner(ProcessRunnerOptions options) {
  return std::make_unique<ProcessRunner>(std::move(options));
}

}  // namespace espalier
