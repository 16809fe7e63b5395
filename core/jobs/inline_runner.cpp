// Jobs in the thread that starts them. A start from inside a listener is queued and done by the outer start.
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "jobs/runners.h"

namespace espalier {
namespace {

class InlineRunner : public JobRunner {
 public:
  explicit InlineRunner(JobKinds kinds) : kinds_(std::move(kinds)) {}

  JobId start(const JobSpec& spec, Listener listener) override {
    std::unique_lock lock(mutex_);
    const JobId id = next_++;
    tokens_.emplace(id, CancelToken());
    queue_.push_back({id, spec, std::move(listener)});
    if (running_thread_ == std::this_thread::get_id()) return id;
    changed_.wait(lock, [&] { return running_thread_ == std::thread::id() || !tokens_.contains(id); });
    running_thread_ = std::this_thread::get_id();
    while (!queue_.empty() && tokens_.contains(id)) run_next(lock);
    // Work that listeners queued after this job belongs to this call too, or nobody would do it.
    while (!queue_.empty()) run_next(lock);
    running_thread_ = std::thread::id();
    changed_.notify_all();
    return id;
  }

  void cancel(JobId job) override {
    const std::lock_guard lock(mutex_);
    const auto found = tokens_.find(job);
    if (found != tokens_.end()) found->second.cancel();
  }

  void wait() override {
    std::unique_lock lock(mutex_);
    if (running_thread_ == std::this_thread::get_id()) return;
    changed_.wait(lock, [&] { return queue_.empty() && running_thread_ == std::thread::id(); });
  }

 private:
  struct Queued {
    JobId id;
    JobSpec spec;
    Listener listener;
  };

  void run_next(std::unique_lock<std::mutex>& lock) {
    const Queued job = std::move(queue_.front());
    queue_.pop_front();
    const CancelToken token = tokens_.at(job.id);
    lock.unlock();
    run_job(job.id, job.spec, kinds_, token, job.listener);
    lock.lock();
    tokens_.erase(job.id);
    changed_.notify_all();
  }

  const JobKinds kinds_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Queued> queue_;
  std::map<JobId, CancelToken> tokens_;  // of queued and running jobs
  std::thread::id running_thread_;
  JobId next_ = 1;
};

}  // namespace

std::unique_ptr<JobRunner> make_inline_runner(JobKinds kinds) {
  return std::make_unique<InlineRunner>(std::move(kinds));
}

}  // namespace espalier
