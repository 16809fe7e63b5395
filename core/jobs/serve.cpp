// The worker's side: a thread reads messages while the main thread runs one job after the other.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "base/runtime_environment.h"
#include "jobs/line_splitter.h"
#include "jobs/runners.h"

namespace espalier {
namespace {

// How long a running job may take to notice that nobody listens any more.
constexpr std::chrono::seconds kOrphanPatience{2};

// Standard output belongs to the protocol alone: what a library prints there goes to standard error instead.
int take_over_output() {
  std::fflush(stdout);
  const int protocol = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  if (protocol < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
    throw Error(ErrorKind::Io, "cannot set up the worker's output");
  }
  return protocol;
}

class Server {
 public:
  Server(const JobKinds& kinds, int output) : kinds_(kinds), output_(output) {}

  int run() {
    std::thread reader([this] { read_messages(); });
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return closed_ || !queue_.empty(); });
      if (closed_) break;
      const Queued job = std::move(queue_.front());
      queue_.pop_front();
      const CancelToken token = tokens_.at(job.id);
      lock.unlock();
      write_line(Json{{"started", job.id}});
      run_job(job.id, job.spec, kinds_, token, [this](const JobEvent& event) { write_event(event); });
      release_freed_memory();
      lock.lock();
      tokens_.erase(job.id);
    }
    finished_ = true;
    changed_.notify_all();
    lock.unlock();
    reader.join();
    return 0;
  }

 private:
  struct Queued {
    JobId id;
    JobSpec spec;
  };

  void read_messages() {
    LineSplitter lines;
    std::array<char, 65536> buffer;
    while (true) {
      const ssize_t got = read(STDIN_FILENO, buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      lines.feed({buffer.data(), static_cast<size_t>(got)}, [this](const std::string& line) { receive(line); });
    }
    std::unique_lock lock(mutex_);
    closed_ = true;
    for (const auto& [id, token] : tokens_) token.cancel();
    changed_.notify_all();
    if (!changed_.wait_for(lock, kOrphanPatience, [&] { return finished_; })) _exit(1);
  }

  void receive(const std::string& line) {
    constexpr std::string_view kWhere = "message to the worker";
    JobId id = 0;
    try {
      const Json message = parse_json(line, kWhere);
      if (message.is_object() && message.contains("cancel")) {
        const std::lock_guard lock(mutex_);
        const auto found = tokens_.find(json_get<JobId>(message, "cancel", kWhere));
        if (found != tokens_.end()) found->second.cancel();
        return;
      }
      id = json_get<JobId>(message, "id", kWhere);
      JobSpec spec = job_spec_from_json(json_get<Json>(message, "run", kWhere), kWhere);
      const std::lock_guard lock(mutex_);
      if (!tokens_.emplace(id, CancelToken()).second) return;
      queue_.push_back({id, std::move(spec)});
      changed_.notify_all();
    } catch (const Error& error) {
      std::fprintf(stderr, "%s\n", error.what());
      if (id == 0) return;
      JobEvent event;
      event.job = id;
      event.kind = JobEventKind::Failed;
      event.error = error.info();
      write_event(event);
    }
  }

  void write_event(const JobEvent& event) { write_line(to_json(event)); }

  void write_line(const Json& message) {
    const std::string line = message.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    const std::lock_guard lock(output_mutex_);
    for (size_t done = 0; done < line.size();) {
      const ssize_t wrote = write(output_, line.data() + done, line.size() - done);
      if (wrote < 0 && errno == EINTR) continue;
      // Nobody reads: the end of the input, which follows, stops the job.
      if (wrote < 0) return;
      done += static_cast<size_t>(wrote);
    }
  }

  const JobKinds& kinds_;
  const int output_;
  std::mutex output_mutex_;
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::deque<Queued> queue_;
  std::map<JobId, CancelToken> tokens_;
  bool closed_ = false;
  bool finished_ = false;
};

}  // namespace

int serve_jobs(const JobKinds& kinds) {
  ::signal(SIGPIPE, SIG_IGN);
#ifdef __linux__
  // Should the program that started this one be killed, this one must not go on alone.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  return Server(kinds, take_over_output()).run();
}

}  // namespace espalier
