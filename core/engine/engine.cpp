#include "engine/engine.h"

#include <algorithm>
#include <mutex>
#include <thread>

#include "engine/forward.h"
#include "engine/onednn.h"
#include "engine/prepared_model.h"

namespace espalier {

namespace {

// Passes that ran at once and left their memory for the next ones.
constexpr size_t kWorkspacesKept = 4;

class WorkspacePool {
 public:
  std::unique_ptr<Workspace> take() {
    const std::scoped_lock lock(mutex_);
    if (free_.empty()) return std::make_unique<Workspace>();
    std::unique_ptr<Workspace> taken = std::move(free_.back());
    free_.pop_back();
    return taken;
  }
  void give_back(std::unique_ptr<Workspace> workspace) {
    const std::scoped_lock lock(mutex_);
    if (free_.size() < kWorkspacesKept) free_.push_back(std::move(workspace));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Workspace>> free_;
};

int threads_for(int wanted) {
  if (wanted < 0) {
    throw Error(ErrorKind::InvalidInput, {.what = "the number of threads is negative",
                                          .got = std::to_string(wanted),
                                          .wanted = "0 for all cores, or 1 or more"});
  }
  return wanted > 0 ? wanted : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace

struct Engine::Impl {
  PreparedModel model;
  int threads;
  mutable WorkspacePool workspaces;
};

Engine::Engine(const Model& model, EngineOptions options)
    : impl_(std::make_unique<Impl>(prepare(model, options.kernels), threads_for(options.threads))) {}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

EngineOutput Engine::run(const PackedBatch& batch, const EngineRequest& request) const {
  check_batch(impl_->model.architecture, batch);
  const onednn::OneThread one_thread;
  std::unique_ptr<Workspace> workspace = impl_->workspaces.take();
  EngineOutput output = run_forward(impl_->model, batch, request, impl_->threads, *workspace);
  impl_->workspaces.give_back(std::move(workspace));
  return output;
}

int Engine::threads() const { return impl_->threads; }
std::vector<PlanEntry> Engine::plan() const { return impl_->model.plan; }

}  // namespace espalier
