// Products by packed codes as plain loops.

#include "engine/kernels/reference/codes.h"

#include <array>
#include <cstddef>

namespace espalier::kernels {

namespace {

// Byte `i` of a unit: the code in its top bits.
int8_t unpacked(const uint8_t* unit, int64_t bits, int64_t i) {
  constexpr int64_t kRegister = 64;
  if (bits == 8) return static_cast<int8_t>(unit[i]);
  const int64_t vector = i / kRegister;
  const int64_t lane = i % kRegister;
  int byte = 0;
  int free = 8;  // bits of the byte below what is set
  if (bits >= 4) {
    const int both = unit[vector / 2 * kRegister + lane];
    byte |= vector % 2 == 0 ? both & 0xF0 : both << 4 & 0xF0;
    unit += 2 * kRegister;
    free -= 4;
  }
  if ((bits & 2) != 0) {
    free -= 2;
    byte |= (unit[lane] >> (6 - 2 * vector) & 3) << free;
    unit += kRegister;
  }
  if ((bits & 1) != 0) byte |= (unit[vector * 8 + lane / 8] >> (lane % 8) & 1) << (free - 1);
  return static_cast<int8_t>(byte);
}

// Calls body(column, depth, byte) for every code of the panel of columns that begins at `panel`.
template <typename Body>
void for_panel(const CodeArgs& args, int64_t panel, bool tiles, Body body) {
  const int64_t chunks = (args.depth + kCodeChunk - 1) / kCodeChunk;
  const int64_t unit_bytes = kCodesOfUnit / 8 * args.bits;
  const uint8_t* at = args.codes + panel / kCodePanel * chunks * kCodesOfChunk / kCodesOfUnit * unit_bytes;
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    for (int64_t i = 0; i < kCodesOfChunk; ++i) {
      constexpr int64_t kHalf = kCodePanel / 2;
      const int64_t c = tiles ? i / (kHalf * kCodeChunk) * kHalf + i / 4 % kHalf : i % kCodePanel;
      const int64_t k = tiles ? i / (4 * kHalf) % (kCodeChunk / 4) * 4 + i % 4 : i / kCodePanel;
      const int64_t column = panel + c;
      const int64_t depth = chunk * kCodeChunk + k;
      if (column >= args.columns || depth >= args.depth) continue;
      body(column, depth, unpacked(at + i / kCodesOfUnit * unit_bytes, args.bits, i % kCodesOfUnit));
    }
    at += kCodesOfChunk / kCodesOfUnit * unit_bytes;
  }
}

}  // namespace

void plain_integer_sums(const uint8_t* x, int64_t stride, const CodeArgs& args) {
  auto* y = reinterpret_cast<int32_t*>(args.y);
  for (int64_t i = 0; i < args.rows * args.columns; ++i) y[i] = 0;
  for (int64_t panel = 0; panel < args.columns; panel += kCodePanel) {
    for_panel(args, panel, true, [&](int64_t c, int64_t k, int8_t code) {
      for (int64_t r = 0; r < args.rows; ++r) y[r * args.columns + c] += static_cast<int32_t>(x[r * stride + k]) * code;
    });
  }
}

void plain_multiply_float_codes(const float* x, const float* column_scale, const CodeArgs& args) {
  constexpr int64_t kRows = 16;
  for (int64_t panel = 0; panel < args.columns; panel += kCodePanel) {
    for (int64_t first = 0; first < args.rows; first += kRows) {
      const int64_t height = args.rows - first < kRows ? args.rows - first : kRows;
      std::array<double, kRows * kCodePanel> sums{};
      for_panel(args, panel, false, [&](int64_t c, int64_t k, int8_t code) {
        for (int64_t r = 0; r < height; ++r) {
          sums[static_cast<std::size_t>(r * kCodePanel + c - panel)] +=
              static_cast<double>(x[(first + r) * args.depth + k]) * code;
        }
      });
      for (int64_t r = 0; r < height; ++r) {
        for (int64_t c = panel; c < args.columns && c < panel + kCodePanel; ++c) {
          const double sum = sums[static_cast<std::size_t>(r * kCodePanel + c - panel)];
          args.y[(first + r) * args.columns + c] =
              static_cast<float>(sum * column_scale[c] + (args.bias ? args.bias[c] : 0.0F));
        }
      }
    }
  }
}

}  // namespace espalier::kernels
