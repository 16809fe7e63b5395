#pragma once
// Packed codes times 8-bit rows with the dot products of AVX-512 VNNI.

namespace {

using espalier::kernels::CodeArgs;
using espalier::kernels::kCodeChunk;
using espalier::kernels::kCodePanel;

constexpr int kDotRows = 12;
constexpr int64_t kDotColumns = 16;
// Of the type that the instruction sums: GCC 12 keeps arrays of others in memory through the loop.
using Sums = int32_t __attribute__((vector_size(64)));
inline Ints plain(Sums sums) { return reinterpret_cast<Ints>(sums); }

// Int32 sums of the panel's columns, of which there are `count`, for R rows; w (chunks, 2048) unpacked.
template <int R>
inline void multiply_dots(const uint8_t* x, int64_t stride, int64_t chunks, const int8_t* w, int32_t* y,
                          int64_t y_stride, int64_t count) {
  Sums left[R] = {};
  Sums right[R] = {};
  for (int64_t k = 0; k < chunks * kCodeChunk; k += 4) {
    // The panel's second half stands behind the first of each chunk.
    const int8_t* at = w + k / kCodeChunk * kCodesOfChunk + k % kCodeChunk * kDotColumns;
    const Ints first = _mm512_loadu_si512(at);
    const Ints second = _mm512_loadu_si512(at + kCodesOfChunk / 2);
    for (int r = 0; r < R; ++r) {
      int32_t four;
      __builtin_memcpy(&four, x + r * stride + k, sizeof four);
      const Ints value = _mm512_set1_epi32(four);
      left[r] = reinterpret_cast<Sums>(_mm512_dpbusd_epi32(plain(left[r]), value, first));
      right[r] = reinterpret_cast<Sums>(_mm512_dpbusd_epi32(plain(right[r]), value, second));
    }
  }
  const int64_t some = count < kDotColumns ? count : kDotColumns;
  for (int r = 0; r < R; ++r) {
    _mm512_mask_storeu_epi32(y + r * y_stride, first_lanes(some), plain(left[r]));
    _mm512_mask_storeu_epi32(y + r * y_stride + some, first_lanes(count - some), plain(right[r]));
  }
}

void multiply_codes(const uint8_t* x, int64_t stride, const IntegerScales& scales, Activation activation,
                    const CodeArgs& args) {
  const int64_t chunks = (args.depth + kCodeChunk - 1) / kCodeChunk;
  const int64_t chunk_bytes = kCodesOfChunk / 8 * args.bits;
  auto* unpacked = static_cast<int8_t*>(args.scratch);
  for (int64_t c = 0; c < args.columns; c += kCodePanel) {
    const uint8_t* codes = args.codes + c / kCodePanel * chunks * chunk_bytes;
    const int64_t count = args.columns - c < kCodePanel ? args.columns - c : kCodePanel;
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
      unpack_chunk(codes + chunk * chunk_bytes, args.bits, unpacked + chunk * kCodesOfChunk);
    }
    int64_t blocks = (args.rows + kDotRows - 1) / kDotRows;
    for (int64_t r = 0; r < args.rows; --blocks) {
      const int64_t height = (args.rows - r + blocks - 1) / blocks;
      with_rows<kDotRows>(height, [&]<int R>() {
        multiply_dots<R>(x + r * stride, stride, chunks, unpacked,
                         reinterpret_cast<int32_t*>(args.y) + r * args.columns + c, args.columns, count);
      });
      r += height;
    }
  }
  dequantize(args.y, args.rows, args.columns, scales, args.bias, activation);
}

}  // namespace
