#pragma once
// Eight floats in one register. Everything is in an unnamed namespace: code made for this processor must never be
// merged with code of the same name made for another.

#include <immintrin.h>
#include <stdint.h>

namespace {

constexpr int64_t kLanes = 8;
// Registers of columns in a block of the two products of attention.
constexpr int kScoreVectors = 2;
constexpr int kValueVectors = 2;

using Floats = __m256;
using Ints = __m256i;

inline Ints first_lanes(int64_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int32_t>(count)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

inline Floats zero() { return _mm256_setzero_ps(); }
inline Floats all(float value) { return _mm256_set1_ps(value); }
inline Floats load(const float* from) { return _mm256_loadu_ps(from); }
inline Floats load_first(const float* from, int64_t count) { return _mm256_maskload_ps(from, first_lanes(count)); }
// Four floats, twice; and each of the first two, four times.
inline Floats repeat_four(const float* from) { return _mm256_broadcast_ps(reinterpret_cast<const __m128*>(from)); }
inline Floats each_four_times(const float* from) { return _mm256_set_m128(_mm_set1_ps(from[1]), _mm_set1_ps(from[0])); }
inline void store(float* to, Floats x) { _mm256_storeu_ps(to, x); }
inline void store_first(float* to, Floats x, int64_t count) { _mm256_maskstore_ps(to, first_lanes(count), x); }
// Lanes from `count` on become `value`.
inline Floats fill_rest(Floats x, int64_t count, float value) {
  return _mm256_blendv_ps(_mm256_set1_ps(value), x, _mm256_castsi256_ps(first_lanes(count)));
}

inline Floats add(Floats a, Floats b) { return _mm256_add_ps(a, b); }
inline Floats sub(Floats a, Floats b) { return _mm256_sub_ps(a, b); }
inline Floats mul(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
inline Floats divide(Floats a, Floats b) { return _mm256_div_ps(a, b); }
inline Floats fma(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
inline Floats max(Floats a, Floats b) { return _mm256_max_ps(a, b); }
inline Floats min(Floats a, Floats b) { return _mm256_min_ps(a, b); }
inline Floats magnitude(Floats a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0F), a); }
inline Floats round_to_whole(Floats a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
// a < b ? yes : no, by lane.
inline Floats where_less(Floats a, Floats b, Floats yes, Floats no) {
  return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}
// x * 2^n for whole n <= 127; underflows to 0.
inline Floats times_power_of_two(Floats x, Floats n) {
  const Floats bounded = _mm256_max_ps(n, _mm256_set1_ps(-127.0F));
  const Ints exponent = _mm256_add_epi32(_mm256_cvtps_epi32(bounded), _mm256_set1_epi32(127));
  return _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)));
}
inline float sum_of(Floats a) {
  const __m128 halves = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  const __m128 quarters = _mm_add_ps(halves, _mm_movehl_ps(halves, halves));
  return _mm_cvtss_f32(_mm_add_ss(quarters, _mm_shuffle_ps(quarters, quarters, 1)));
}
inline float max_of(Floats a) {
  const __m128 halves = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  const __m128 quarters = _mm_max_ps(halves, _mm_movehl_ps(halves, halves));
  return _mm_cvtss_f32(_mm_max_ss(quarters, _mm_shuffle_ps(quarters, quarters, 1)));
}

inline Ints load_ints(const void* from, int64_t count) {
  return count == kLanes ? _mm256_loadu_si256(static_cast<const __m256i*>(from))
                         : _mm256_maskload_epi32(static_cast<const int*>(from), first_lanes(count));
}
inline Ints subtract(Ints a, Ints b) { return _mm256_sub_epi32(a, b); }
inline Floats to_floats(Ints a) { return _mm256_cvtepi32_ps(a); }

// 128 + clamp(round(x), -127, 127) as bytes.
inline void store_codes(uint8_t* to, Floats x, int64_t count) {
  const Ints whole = _mm256_max_epi32(_mm256_cvtps_epi32(x), _mm256_set1_epi32(-127));
  const Ints code = _mm256_add_epi32(_mm256_min_epi32(whole, _mm256_set1_epi32(127)), _mm256_set1_epi32(128));
  const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(code), _mm256_extracti128_si256(code, 1));
  const __m128i bytes = _mm_packus_epi16(words, words);
  if (count >= kLanes) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to), bytes);
  } else {
    uint8_t part[16];
    _mm_storeu_si128(reinterpret_cast<__m128i*>(part), bytes);
    for (int64_t i = 0; i < count; ++i) to[i] = part[i];
  }
}

inline Floats load_half(const uint16_t* from) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}
inline Floats load_bfloat16(const uint16_t* from) {
  const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
}
inline Floats load_int8(const int8_t* from) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
}

// Indices that stand in bytes; those from `count` on are 0.
inline Ints load_places(const uint8_t* from, int64_t count) {
  uint64_t places = 0;
  if (count >= kLanes) {
    __builtin_memcpy(&places, from, sizeof places);
  } else {
    for (int64_t i = 0; i < count; ++i) places |= static_cast<uint64_t>(from[i]) << (8 * i);
  }
  return _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<int64_t>(places)));
}
inline Floats gather(const float* from, Ints places) { return _mm256_i32gather_ps(from, places, 4); }

// to[j * to_stride + i] = from[i * from_stride + j] for eight i and j.
inline void transpose_block(const float* from, int64_t from_stride, float* to, int64_t to_stride) {
  __m256 a[8];
  __m256 b[8];
  for (int i = 0; i < 8; ++i) a[i] = _mm256_loadu_ps(from + i * from_stride);
  for (int i = 0; i < 8; i += 2) {
    b[i] = _mm256_unpacklo_ps(a[i], a[i + 1]);
    b[i + 1] = _mm256_unpackhi_ps(a[i], a[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    a[i] = _mm256_shuffle_ps(b[i], b[i + 2], 0x44);
    a[i + 1] = _mm256_shuffle_ps(b[i], b[i + 2], 0xEE);
    a[i + 2] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0x44);
    a[i + 3] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0xEE);
  }
  for (int c = 0; c < 4; ++c) {
    _mm256_storeu_ps(to + c * to_stride, _mm256_permute2f128_ps(a[c], a[4 + c], 0x20));
    _mm256_storeu_ps(to + (c + 4) * to_stride, _mm256_permute2f128_ps(a[c], a[4 + c], 0x31));
  }
}

}  // namespace
