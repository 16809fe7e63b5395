#include "engine/packed_codes.h"

#include <algorithm>
#include <array>

namespace espalier {

namespace {

using kernels::kCodeChunk;
using kernels::kCodePanel;
using kernels::kCodesOfChunk;
using kernels::kCodesOfUnit;

constexpr int64_t kRegister = 64;
using Unit = std::span<const uint8_t, kCodesOfUnit>;

// Where column `c` and depth `k` of a chunk stand.
int64_t place_in_chunk(PackedCodes::Order order, int64_t c, int64_t k) {
  if (order == PackedCodes::Order::Floats) return k * kCodePanel + c;
  constexpr int64_t kHalf = kCodePanel / 2;
  return c / kHalf * (kHalf * kCodeChunk) + k / 4 * (4 * kHalf) + c % kHalf * 4 + k % 4;
}

// Takes 256 bytes apart as kernels.h says; `to` is moved behind what was written.
void pack_unit(Unit bytes, int bits, uint8_t*& to) {
  const auto at = [&](int64_t vector, int64_t i) { return bytes[static_cast<size_t>(vector * kRegister + i)]; };
  if (bits == 8) {
    to = std::copy(bytes.begin(), bytes.end(), to);
    return;
  }
  int taken = 0;
  if (bits >= 4) {
    for (const int64_t pair : {0, 2}) {
      for (int64_t i = 0; i < kRegister; ++i) {
        *to++ = static_cast<uint8_t>((at(pair, i) & 0xF0) | (at(pair + 1, i) >> 4));
      }
    }
    taken = 4;
  }
  if ((bits & 2) != 0) {
    for (int64_t i = 0; i < kRegister; ++i) {
      int together = 0;
      for (int64_t v = 0; v < 4; ++v) together = together << 2 | ((at(v, i) >> (6 - taken)) & 3);
      *to++ = static_cast<uint8_t>(together);
    }
    taken += 2;
  }
  if ((bits & 1) == 0) return;
  for (int64_t v = 0; v < 4; ++v) {
    for (int64_t first = 0; first < kRegister; first += 8) {
      int together = 0;
      for (int64_t i = 0; i < 8; ++i) together |= ((at(v, first + i) >> (7 - taken)) & 1) << i;
      *to++ = static_cast<uint8_t>(together);
    }
  }
}

}  // namespace

PackedCodes::PackedCodes(std::span<const int8_t> codes, int64_t depth, int64_t columns, int bits, Order order)
    : bits_(bits) {
  const int64_t chunks = (depth + kCodeChunk - 1) / kCodeChunk;
  bytes_ = (columns + kCodePanel - 1) / kCodePanel * chunks * (kCodesOfChunk / 8) * bits;
  scratch_bytes_ = chunks * kernels::kCodeScratch;
  constexpr size_t kLine = 64;
  memory_.resize(static_cast<size_t>(bytes_) + kLine);
  begin_ = (kLine - reinterpret_cast<uintptr_t>(memory_.data()) % kLine) % kLine;
  uint8_t* to = memory_.data() + begin_;
  for (int64_t panel = 0; panel < columns; panel += kCodePanel) {
    for (int64_t chunk = 0; chunk < depth; chunk += kCodeChunk) {
      std::array<uint8_t, kCodesOfChunk> bytes{};
      for (int64_t c = panel; c < std::min(panel + kCodePanel, columns); ++c) {
        for (int64_t k = chunk; k < std::min(chunk + kCodeChunk, depth); ++k) {
          const auto code = static_cast<uint8_t>(codes[static_cast<size_t>(c * depth + k)]);
          bytes[static_cast<size_t>(place_in_chunk(order, c - panel, k - chunk))] =
              static_cast<uint8_t>(code << (8 - bits));
        }
      }
      for (size_t unit = 0; unit < bytes.size(); unit += kCodesOfUnit) {
        pack_unit(std::span(bytes).subspan(unit).first<kCodesOfUnit>(), bits, to);
      }
    }
  }
}

}  // namespace espalier
