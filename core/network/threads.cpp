#include "network/threads.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace espalier {

void use_all_processors() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (std::getenv("OMP_NUM_THREADS") != nullptr) return;
    at::set_num_threads(static_cast<int>(std::max(1U, std::thread::hardware_concurrency())));
  });
}

}  // namespace espalier
