#include "base/runtime_environment.h"

#include <unistd.h>

#include <cstdlib>
#include <limits>
#include <mutex>
#include <string_view>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace espalier {
namespace {

// Set with the rest, so that a system that hides our changes cannot make us start for ever.
constexpr const char* kGuard = "ESPALIER_RUNTIME_ENVIRONMENT";

// The newest core that OpenBLAS 0.3.21 has kernels for and this processor can run; null when it should choose itself.
const char* openblas_core() {
#if defined(__x86_64__)
  __builtin_cpu_init();  // before the beginnings of libraries nobody else has
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

// By the array alone: the functions of the library for it do not work before its own beginning.
void start_again_where_missing(char** argv, char** environment) {
  const auto current = [&](std::string_view name) -> const char* {
    for (char** entry = environment; entry != nullptr && *entry != nullptr; ++entry) {
      const std::string_view text = *entry;
      if (text.starts_with(name) && text.substr(name.size()).starts_with('=')) return *entry + name.size() + 1;
    }
    return nullptr;
  };
  if (current(kGuard) != nullptr) return;
  auto missing = missing_runtime_environment(current);
  if (missing.empty()) return;
  missing.emplace_back(kGuard, "1");
  std::vector<std::string> added;
  added.reserve(missing.size());
  for (const auto& [name, value] : missing) added.push_back(name + "=" + value);
  std::vector<char*> whole;
  for (char** entry = environment; entry != nullptr && *entry != nullptr; ++entry) whole.push_back(*entry);
  for (std::string& entry : added) whole.push_back(entry.data());
  whole.push_back(nullptr);
  // When this fails the program goes on, only slower.
  execve("/proc/self/exe", argv, whole.data());
}

}  // namespace

std::vector<std::pair<std::string, std::string>> missing_runtime_environment(
    const std::function<const char*(const char*)>& current) {
  std::vector<std::pair<std::string, std::string>> missing;
  const char* core = openblas_core();
  if (core != nullptr && current("OPENBLAS_CORETYPE") == nullptr) missing.emplace_back("OPENBLAS_CORETYPE", core);
  if (current("OMP_WAIT_POLICY") == nullptr) missing.emplace_back("OMP_WAIT_POLICY", "passive");
  return missing;
}

void ensure_runtime_environment(char** argv) { start_again_where_missing(argv, environ); }

void ensure_runtime_environment_early(int /*argc*/, char** argv, char** environment) {
  start_again_where_missing(argv, environment);
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
