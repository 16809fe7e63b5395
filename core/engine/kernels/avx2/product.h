#pragma once
// Exact int8 products for processors without 8-bit dot products, where the library's own would saturate in 16 bits:
// both sides are widened to 16 bits and multiplied in pairs.

namespace {

// Packed: for each block of eight columns, for each pair of depth, the pair of each column: (c / 8, k / 2, 8, 2).
constexpr int64_t kColumnBlock = 8;

int64_t packed_int8_bytes(int64_t depth, int64_t columns) {
  return (columns + kColumnBlock - 1) / kColumnBlock * kColumnBlock * ((depth + 1) / 2 * 2);
}

void pack_int8(const int8_t* w, int64_t depth, int64_t columns, int8_t* packed) {
  for (int64_t c = 0; c < columns; c += kColumnBlock) {
    for (int64_t k = 0; k < depth; k += 2) {
      for (int64_t i = 0; i < kColumnBlock; ++i) {
        const bool inside = c + i < columns;
        *packed++ = inside ? w[(c + i) * depth + k] : int8_t{0};
        *packed++ = inside && k + 1 < depth ? w[(c + i) * depth + k + 1] : int8_t{0};
      }
    }
  }
}

template <int R>
inline void multiply_rows(const uint8_t* x, const int8_t* w, int64_t depth, int64_t columns, int32_t* y) {
  const int64_t pairs = depth / 2;
  for (int64_t c = 0; c < columns; c += kColumnBlock) {
    __m256i sum[R];
    for (int r = 0; r < R; ++r) sum[r] = _mm256_setzero_si256();
    const int8_t* block = w + c * ((depth + 1) / 2 * 2);
    for (int64_t k = 0; k <= pairs; ++k) {
      const bool half = k == pairs;
      if (half && depth % 2 == 0) break;
      const __m256i weights =
          _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(block + k * 2 * kColumnBlock)));
      for (int r = 0; r < R; ++r) {
        const uint8_t* at = x + r * depth + 2 * k;
        const int32_t pair = at[0] | (half ? 0 : static_cast<int32_t>(at[1]) << 16);
        sum[r] = _mm256_add_epi32(sum[r], _mm256_madd_epi16(_mm256_set1_epi32(pair), weights));
      }
    }
    for (int r = 0; r < R; ++r) {
      if (c + kColumnBlock <= columns) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(y + r * columns + c), sum[r]);
      } else {
        _mm256_maskstore_epi32(y + r * columns + c, first_lanes(columns - c), sum[r]);
      }
    }
  }
}

void multiply_int8(const uint8_t* x, const int8_t* w, int64_t rows, int64_t depth, int64_t columns, int32_t* y) {
  int64_t r = 0;
  for (; r + 8 <= rows; r += 8) multiply_rows<8>(x + r * depth, w, depth, columns, y + r * columns);
  for (; r + 2 <= rows; r += 2) multiply_rows<2>(x + r * depth, w, depth, columns, y + r * columns);
  if (r < rows) multiply_rows<1>(x + r * depth, w, depth, columns, y + r * columns);
}

}  // namespace
