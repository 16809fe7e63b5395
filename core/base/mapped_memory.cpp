#include "base/mapped_memory.h"

#include <sys/mman.h>
#include <unistd.h>
#include <csignal>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <vector>

#include "base/error.h"

namespace espalier {
namespace {

// One mapping. The handler of the signal reads and writes atomics only.
struct Mapping {
  std::atomic<uintptr_t> begin = 0;  // 0: free
  std::atomic<uintptr_t> end = 0;    // a multiple of the page size
  std::atomic<bool> is_torn = false;
  std::string name;
};

// More mappings than this at one time are not watched.
constexpr size_t kMappings = 4096;

std::array<Mapping, kMappings>& mappings() {
  static std::array<Mapping, kMappings> all;
  return all;
}

// Guards names, and who takes which place.
std::mutex& places_mutex() {
  static std::mutex mutex;
  return mutex;
}

// Files that were found short when they were unmapped.
std::vector<std::string>& lost_names() {
  static std::vector<std::string> names;
  return names;
}

std::atomic<uintptr_t> page_size = 0;
struct sigaction previous_action = {};

// Puts zeros from the page that is missing to the end of its mapping: what follows is missing too.
void on_bus_error(int signal, siginfo_t* info, void*) {
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  for (Mapping& mapping : mappings()) {
    const uintptr_t begin = mapping.begin.load(), end = mapping.end.load();
    if (begin == 0 || address < begin || address >= end) continue;
    const uintptr_t page = address / page_size * page_size;
    void* const place = reinterpret_cast<void*>(page);  // NOLINT(performance-no-int-to-ptr)
    if (::mmap(place, end - page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) break;
    mapping.is_torn = true;
    return;
  }
  // Not ours: as if there were no handler. The instruction faults again.
  ::sigaction(signal, &previous_action, nullptr);
}

void install_handler() {
  static std::once_flag once;
  std::call_once(once, [] {
    page_size = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
    mappings();
    struct sigaction action = {};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(SIGBUS, &action, &previous_action);
  });
}

void watch(const void* address, size_t size, const std::string& name) {
  const std::lock_guard lock(places_mutex());
  const auto free = std::ranges::find_if(mappings(), [](const Mapping& one) { return one.begin == 0; });
  if (free == mappings().end()) return;
  const auto begin = reinterpret_cast<uintptr_t>(address);
  free->name = name;
  free->is_torn = false;
  free->end = (begin + size + page_size - 1) / page_size * page_size;
  free->begin = begin;
}

void unwatch(const void* address) {
  const std::lock_guard lock(places_mutex());
  const auto begin = reinterpret_cast<uintptr_t>(address);
  const auto found = std::ranges::find_if(mappings(), [&](const Mapping& one) { return one.begin == begin; });
  if (found == mappings().end()) return;
  if (found->is_torn) lost_names().push_back(found->name);
  found->begin = 0;
}

}  // namespace

std::shared_ptr<const void> map_memory(int descriptor, size_t size, const std::string& name) {
  install_handler();
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (address == MAP_FAILED) return nullptr;
  watch(address, size, name);
  return {address, [size](void* mapped) {
            unwatch(mapped);
            ::munmap(mapped, size);
          }};
}

void release_mapped_pages(const void* address, size_t size) {
  const auto begin = reinterpret_cast<uintptr_t>(address);
  const std::lock_guard lock(places_mutex());
  const auto inside = [&](const Mapping& one) {
    return one.begin != 0 && one.begin <= begin && begin + size >= begin && begin + size <= one.end;
  };
  if (!std::ranges::any_of(mappings(), inside)) return;
  const uintptr_t first = (begin + page_size - 1) / page_size * page_size;
  const uintptr_t end = (begin + size) / page_size * page_size;
  if (first >= end) return;
  void* const place = reinterpret_cast<void*>(first);  // NOLINT(performance-no-int-to-ptr)
  ::madvise(place, end - first, MADV_DONTNEED);
}

void require_mapped_files_whole() {
  std::string names;
  {
    const std::lock_guard lock(places_mutex());
    const auto add = [&](const std::string& name) { names += (names.empty() ? "" : ", ") + name; };
    for (const std::string& name : lost_names()) add(name);
    lost_names().clear();
    for (Mapping& mapping : mappings()) {
      if (mapping.begin != 0 && mapping.is_torn.exchange(false)) add(mapping.name);
    }
  }
  if (names.empty()) return;
  throw Error(ErrorKind::Io, {.what = "a file was shortened by another program while it was read",
                              .where = names,
                              .got = "an end before the one it had when it was opened",
                              .wanted = "a file that stays as it is",
                              .next = "Restore the file and open it again; what was read from it is not to be used."});
}

}  // namespace espalier
