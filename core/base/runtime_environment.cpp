#include "base/runtime_environment.h"

#include <unistd.h>

#include <cstdlib>
#include <limits>
#include <mutex>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace espalier {
namespace {

// Set for the second start, so that a system that hides our changes cannot make us start for ever.
constexpr const char* kGuard = "ESPALIER_RUNTIME_ENVIRONMENT";

// The newest core that OpenBLAS 0.3.21 has kernels for and this processor can run; null when it should choose itself.
const char* openblas_core() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    return "SKYLAKEX";
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "HASWELL";
#endif
  return nullptr;
}

// Blocks that the allocator may map apart, each on its own.
void set_blocks_mapped_apart([[maybe_unused]] int most) {
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, most);
#endif
}
constexpr int kBlocksMappedApart = 65536;  // the allocator's own default

std::mutex large_blocks_mutex;
int large_blocks_kept = 0;  // KeepLargeBlocks that live

}  // namespace

std::vector<std::pair<std::string, std::string>> missing_runtime_environment(
    const std::function<const char*(const char*)>& current) {
  std::vector<std::pair<std::string, std::string>> missing;
  const char* core = openblas_core();
  if (core != nullptr && current("OPENBLAS_CORETYPE") == nullptr) missing.emplace_back("OPENBLAS_CORETYPE", core);
  if (current("OMP_WAIT_POLICY") == nullptr) missing.emplace_back("OMP_WAIT_POLICY", "passive");
  return missing;
}

void ensure_runtime_environment(char** argv) {
  if (std::getenv(kGuard) != nullptr) return;
  const auto missing = missing_runtime_environment([](const char* name) -> const char* { return std::getenv(name); });
  if (missing.empty()) return;
  for (const auto& [name, value] : missing) setenv(name.c_str(), value.c_str(), 1);
  setenv(kGuard, "1", 1);
  // When this fails the program goes on, only slower.
  execv("/proc/self/exe", argv);
}

void keep_freed_memory() {
#ifdef __GLIBC__
  // Blocks up to the greatest size that the allocator takes from its heap, and a heap that does not shrink.
  constexpr int kLargestHeapBlock = 32 << 20;
  mallopt(M_MMAP_THRESHOLD, kLargestHeapBlock);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
#endif
}

KeepLargeBlocks::KeepLargeBlocks() {
  const std::scoped_lock lock(large_blocks_mutex);
  if (large_blocks_kept++ == 0) set_blocks_mapped_apart(0);
}
KeepLargeBlocks::~KeepLargeBlocks() {
  const std::scoped_lock lock(large_blocks_mutex);
  if (--large_blocks_kept == 0) set_blocks_mapped_apart(kBlocksMappedApart);
}

void release_freed_memory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace espalier
