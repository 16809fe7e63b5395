#include "engine/packed_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace espalier {

namespace {

constexpr size_t kLine = 64;
constexpr size_t kLargePage = size_t{1} << 21;
constexpr size_t kBlock = 16 * kLargePage;
// Below this a large page would hold mostly nothing.
constexpr size_t kLeastInBlock = kLargePage / 4;

size_t rounded_up(size_t bytes, size_t multiple) { return (bytes + multiple - 1) / multiple * multiple; }

std::shared_ptr<std::byte> allocate(size_t bytes, size_t alignment) {
  auto* const memory = static_cast<std::byte*>(std::aligned_alloc(alignment, rounded_up(bytes, alignment)));
  if (memory == nullptr) throw std::bad_alloc();
  return {memory, [](std::byte* to_free) { std::free(to_free); }};
}

}  // namespace

std::shared_ptr<std::byte> PackedMemory::take(size_t bytes) {
  const size_t wanted = rounded_up(std::max(bytes, kLine), kLine);
  if (wanted < kLeastInBlock) return allocate(wanted, kLine);
  if (used_ + wanted > size_) {
    size_ = rounded_up(std::max(wanted, kBlock), kLargePage);
    used_ = 0;
    block_ = allocate(size_, kLargePage);
    // A wish: without large pages everything works as it does with small ones.
    ::madvise(block_.get(), size_, MADV_HUGEPAGE);
  }
  std::shared_ptr<std::byte> taken(block_, block_.get() + used_);
  used_ += wanted;
  return taken;
}

}  // namespace espalier
