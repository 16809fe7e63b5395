#pragma once
// Memory of packed weights.

#include <cstddef>
#include <memory>

namespace espalier {

// Hands out memory of large matrices from blocks that ask the system for large pages: mapping a model's weights page by
// page takes a good part of the time of packing them. A block lives as long as anything in it. Not for many threads.
class PackedMemory {
 public:
  // Begins at a cache line; the content is undefined.
  std::shared_ptr<std::byte> take(size_t bytes);

 private:
  std::shared_ptr<std::byte> block_;
  size_t size_ = 0;
  size_t used_ = 0;
};

}  // namespace espalier
