#include "inspect/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace espalier {

void for_each_block(int64_t blocks, const CancelToken& cancel, const std::function<void(int64_t block)>& body) {
  std::atomic<int64_t> next{0};
  std::atomic<bool> failed{false};
  std::exception_ptr error;
  std::mutex error_mutex;
  const auto work = [&] {
    try {
      for (int64_t block = next++; block < blocks && !failed; block = next++) {
        cancel.throw_if_cancelled();
        body(block);
      }
    } catch (...) {
      const std::lock_guard lock(error_mutex);
      if (!failed.exchange(true)) error = std::current_exception();
    }
  };
  const int64_t wanted = std::min<int64_t>({blocks, std::max(1u, std::thread::hardware_concurrency()), 8});
  std::vector<std::jthread> threads;
  for (int64_t i = 1; i < wanted; ++i) threads.emplace_back(work);
  work();
  threads.clear();
  if (error) std::rethrow_exception(error);
}

}  // namespace espalier
