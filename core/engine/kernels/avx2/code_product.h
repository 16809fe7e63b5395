#pragma once
// Packed codes times 8-bit rows without dot products: both sides are widened to 16 bits and multiplied in pairs.
// Include after codes.h, dequantize.h and product.h.

namespace {

using espalier::kernels::CodeArgs;
using espalier::kernels::kCodeChunk;
using espalier::kernels::kCodePanel;

constexpr int kWideRows = 3;
constexpr int64_t kTileColumns = 16;

// Of the type that is summed: GCC 12 keeps arrays of others in memory through the loop.
using Sums = int32_t __attribute__((vector_size(32)));

// The sums of eight columns from the halves that two registers hold of four columns each.
inline __m256i join_halves(Sums first, Sums second) {
  const __m256i joined = _mm256_hadd_epi32(reinterpret_cast<__m256i>(first), reinterpret_cast<__m256i>(second));
  return _mm256_permute4x64_epi64(joined, 0xD8);
}

// Int32 sums of 16 columns of R rows; wide (R, 64 chunks) of 16 bits; `w`: the columns' half of the first chunk.
template <int R>
inline void multiply_wide(const int16_t* wide, int64_t chunks, const int8_t* w, int32_t* y, int64_t y_stride,
                          int64_t count) {
  Sums sum[R][4] = {};
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    const int8_t* at = w + chunk * kCodesOfChunk;
    for (int64_t k = 0; k < kCodeChunk; k += 4, at += 4 * kTileColumns) {
      __m256i value[R];
      for (int r = 0; r < R; ++r) {
        int64_t four;
        __builtin_memcpy(&four, wide + (r * chunks + chunk) * kCodeChunk + k, sizeof four);
        value[r] = _mm256_set1_epi64x(four);
      }
      for (int i = 0; i < 4; ++i) {
        const __m256i weights = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at) + i));
        for (int r = 0; r < R; ++r) sum[r][i] += reinterpret_cast<Sums>(_mm256_madd_epi16(value[r], weights));
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    store_sums(y + r * y_stride, count, join_halves(sum[r][0], sum[r][1]), join_halves(sum[r][2], sum[r][3]));
  }
}

void multiply_codes(const uint8_t* x, int64_t stride, const IntegerScales& scales, Activation activation,
                    const CodeArgs& args) {
  const int64_t chunks = (args.depth + kCodeChunk - 1) / kCodeChunk;
  const int64_t chunk_bytes = kCodesOfChunk / 8 * args.bits;
  auto* unpacked = static_cast<int8_t*>(args.scratch);
  auto* wide = reinterpret_cast<int16_t*>(unpacked + chunks * kCodesOfChunk);
  auto* y = reinterpret_cast<int32_t*>(args.y);
  for (int64_t panel = 0; panel < args.columns; panel += kCodePanel) {
    const uint8_t* codes = args.codes + panel / kCodePanel * chunks * chunk_bytes;
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
      unpack_chunk(codes + chunk * chunk_bytes, args.bits, unpacked + chunk * kCodesOfChunk);
    }
    for (int64_t r = 0; r < args.rows; r += kWideRows) {
      const int64_t height = args.rows - r < kWideRows ? args.rows - r : kWideRows;
      for (int64_t i = 0; i < height; ++i) {
        const uint8_t* row = x + (r + i) * stride;
        for (int64_t k = 0; k < chunks * kCodeChunk; ++k) wide[i * chunks * kCodeChunk + k] = row[k];
      }
      for (int64_t c = panel; c < args.columns && c < panel + kCodePanel; c += kTileColumns) {
        const int64_t count = args.columns - c < kTileColumns ? args.columns - c : kTileColumns;
        with_rows<kWideRows>(height, [&]<int R>() {
          multiply_wide<R>(wide, chunks, unpacked + (c - panel) * kCodeChunk, y + r * args.columns + c, args.columns,
                           count);
        });
      }
    }
  }
  dequantize(args.y, args.rows, args.columns, scales, args.bias, activation);
}

}  // namespace
