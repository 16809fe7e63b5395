#pragma once
// Exact int8 products for processors without 8-bit dot products, where the library's own would saturate in 16 bits:
// both sides are widened to 16 bits and multiplied in pairs.

namespace {

// Packed: for each block of sixteen columns, for each pair of depth, the pair of each column: (c / 16, k / 2, 16, 2).
constexpr int64_t kColumnBlock = 16;
constexpr int kProductRows = 4;
// Pairs of depth that are widened at once, so that a block of rows stays in the first cache.
constexpr int64_t kPairs = 512;

inline int64_t pairs_of(int64_t depth) { return (depth + 1) / 2; }

int64_t packed_int8_bytes(int64_t depth, int64_t columns) {
  return (columns + kColumnBlock - 1) / kColumnBlock * kColumnBlock * 2 * pairs_of(depth);
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

inline void load_sums(const int32_t* y, int64_t count, __m256i& low, __m256i& high) {
  low = _mm256_maskload_epi32(y, first_lanes(count));
  high = count > kLanes ? _mm256_maskload_epi32(y + kLanes, first_lanes(count - kLanes)) : _mm256_setzero_si256();
}

inline void store_sums(int32_t* y, int64_t count, __m256i low, __m256i high) {
  _mm256_maskstore_epi32(y, first_lanes(count), low);
  if (count > kLanes) _mm256_maskstore_epi32(y + kLanes, first_lanes(count - kLanes), high);
}

// Adds pairs [first, first + pairs) of the depth to R rows of y, or begins them; x (R, pairs) widened.
template <int R>
inline void multiply_block(const int16_t (*x)[2 * kPairs], const int8_t* w, int64_t first, int64_t pairs, int64_t depth,
                           int64_t columns, int32_t* y) {
  for (int64_t c = 0; c < columns; c += kColumnBlock) {
    const int64_t count = columns - c < kColumnBlock ? columns - c : kColumnBlock;
    const int8_t* block = w + 2 * (c * pairs_of(depth) + first * kColumnBlock);
    __m256i low[R];
    __m256i high[R];
    for (int r = 0; r < R; ++r) {
      low[r] = high[r] = _mm256_setzero_si256();
      if (first > 0) load_sums(y + r * columns + c, count, low[r], high[r]);
    }
    for (int64_t k = 0; k < pairs; ++k) {
      const auto* at = reinterpret_cast<const __m128i*>(block + k * 2 * kColumnBlock);
      const __m256i low_weights = _mm256_cvtepi8_epi16(_mm_loadu_si128(at));
      const __m256i high_weights = _mm256_cvtepi8_epi16(_mm_loadu_si128(at + 1));
      for (int r = 0; r < R; ++r) {
        int32_t pair;
        __builtin_memcpy(&pair, &x[r][2 * k], sizeof pair);
        const __m256i both = _mm256_set1_epi32(pair);
        low[r] = _mm256_add_epi32(low[r], _mm256_madd_epi16(both, low_weights));
        high[r] = _mm256_add_epi32(high[r], _mm256_madd_epi16(both, high_weights));
      }
    }
    for (int r = 0; r < R; ++r) store_sums(y + r * columns + c, count, low[r], high[r]);
  }
}

template <int R>
void multiply_rows(const uint8_t* x, const int8_t* w, int64_t depth, int64_t columns, int32_t* y) {
  alignas(32) int16_t wide[R][2 * kPairs];
  for (int64_t first = 0; first < pairs_of(depth); first += kPairs) {
    const int64_t pairs = pairs_of(depth) - first < kPairs ? pairs_of(depth) - first : kPairs;
    for (int r = 0; r < R; ++r) {
      for (int64_t i = 0; i < 2 * pairs; ++i) {
        const int64_t k = 2 * first + i;
        wide[r][i] = k < depth ? static_cast<int16_t>(x[r * depth + k]) : int16_t{0};
      }
    }
    multiply_block<R>(wide, w, first, pairs, depth, columns, y);
  }
}

void multiply_int8(const uint8_t* x, const int8_t* w, int64_t rows, int64_t depth, int64_t columns, int32_t* y) {
  int64_t r = 0;
  for (; r + kProductRows <= rows; r += kProductRows) {
    multiply_rows<kProductRows>(x + r * depth, w, depth, columns, y + r * columns);
  }
  for (; r < rows; ++r) multiply_rows<1>(x + r * depth, w, depth, columns, y + r * columns);
}

}  // namespace
