#pragma once
// A matrix of codes packed for the kernels: bits / 8 bytes a weight, and no other copy.

#include <cstdint>
#include <span>
#include <vector>

#include "engine/kernels/kernels.h"

namespace espalier {

class PackedCodes {
 public:
  // What a chunk is ordered for: see kernels.h.
  enum class Order { Integers, Floats };

  // codes (columns, depth) row-major, of `bits` 2..8.
  PackedCodes(std::span<const int8_t> codes, int64_t depth, int64_t columns, int bits, Order order);
  PackedCodes(const PackedCodes&) = delete;  // a copy would not begin at a cache line
  PackedCodes(PackedCodes&&) noexcept = default;

  // Begins at a cache line.
  const uint8_t* data() const { return memory_.data() + begin_; }
  // Of the codes, what pads the last panel and chunk included.
  int64_t bytes() const { return bytes_; }
  // That a product needs beside them.
  int64_t scratch_bytes() const { return scratch_bytes_; }
  // By this a scale is multiplied to make up for codes in the top bits of a byte: 2^(bits - 8).
  float unit() const { return 1.0F / static_cast<float>(1 << (8 - bits_)); }

 private:
  int bits_;
  int64_t bytes_;
  int64_t scratch_bytes_;
  size_t begin_ = 0;
  std::vector<uint8_t> memory_;
};

}  // namespace espalier
