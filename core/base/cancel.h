#pragma once
#include <atomic>
#include <memory>

#include "base/error.h"

namespace espalier {

// One token per piece of work. Copies share the flag; any thread may cancel. A token is never reset.
class CancelToken {
 public:
  CancelToken() : flag_(std::make_shared<std::atomic<bool>>(false)) {}

  void cancel() const { flag_->store(true, std::memory_order_relaxed); }
  bool is_cancelled() const { return flag_->load(std::memory_order_relaxed); }
  // Throws Cancelled. Call at every batch, layer and row block; not after the commit point of an artifact.
  void throw_if_cancelled() const {
    if (is_cancelled()) throw Cancelled();
  }

 private:
  std::shared_ptr<std::atomic<bool>> flag_;
};

}  // namespace espalier
