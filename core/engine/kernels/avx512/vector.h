#pragma once
// Sixteen floats in one register. Everything is in an unnamed namespace: code made for this processor must never be
// merged with code of the same name made for another.

#include <immintrin.h>
#include <stdint.h>

namespace {

constexpr int64_t kLanes = 16;
// Registers of columns in a block of the two products of attention.
constexpr int kScoreVectors = 4;
constexpr int kValueVectors = 2;

using Floats = __m512;
using Ints = __m512i;

inline __mmask16 first_lanes(int64_t count) { return static_cast<__mmask16>((1U << count) - 1U); }

inline Floats zero() { return _mm512_setzero_ps(); }
inline Floats all(float value) { return _mm512_set1_ps(value); }
inline Floats load(const float* from) { return _mm512_loadu_ps(from); }
inline Floats load_first(const float* from, int64_t count) { return _mm512_maskz_loadu_ps(first_lanes(count), from); }
// Four floats, again and again; and each of the first four, four times.
inline Floats repeat_four(const float* from) { return _mm512_broadcast_f32x4(_mm_loadu_ps(from)); }
inline Floats each_four_times(const float* from) {
  const __m512i places = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
  return _mm512_permutexvar_ps(places, _mm512_castps128_ps512(_mm_loadu_ps(from)));
}
inline void store(float* to, Floats x) { _mm512_storeu_ps(to, x); }
inline void store_first(float* to, Floats x, int64_t count) { _mm512_mask_storeu_ps(to, first_lanes(count), x); }
// Lanes from `count` on become `value`.
inline Floats fill_rest(Floats x, int64_t count, float value) {
  return _mm512_mask_blend_ps(first_lanes(count), _mm512_set1_ps(value), x);
}

inline Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
inline Floats sub(Floats a, Floats b) { return _mm512_sub_ps(a, b); }
inline Floats mul(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
inline Floats divide(Floats a, Floats b) { return _mm512_div_ps(a, b); }
inline Floats fma(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
inline Floats max(Floats a, Floats b) { return _mm512_max_ps(a, b); }
inline Floats min(Floats a, Floats b) { return _mm512_min_ps(a, b); }
inline Floats magnitude(Floats a) { return _mm512_abs_ps(a); }
inline Floats round_to_whole(Floats a) {
  return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
// a < b ? yes : no, by lane.
inline Floats where_less(Floats a, Floats b, Floats yes, Floats no) {
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), no, yes);
}
// x * 2^n for whole n; underflows to 0.
inline Floats times_power_of_two(Floats x, Floats n) { return _mm512_scalef_ps(x, n); }
inline float sum_of(Floats a) { return _mm512_reduce_add_ps(a); }
inline float max_of(Floats a) { return _mm512_reduce_max_ps(a); }

inline Ints load_ints(const void* from, int64_t count) {
  return count == kLanes ? _mm512_loadu_si512(from) : _mm512_maskz_loadu_epi32(first_lanes(count), from);
}
inline Ints subtract(Ints a, Ints b) { return _mm512_sub_epi32(a, b); }
inline Floats to_floats(Ints a) { return _mm512_cvtepi32_ps(a); }

// 128 + clamp(round(x), -127, 127) as bytes.
inline void store_codes(uint8_t* to, Floats x, int64_t count) {
  const Ints whole = _mm512_max_epi32(_mm512_cvtps_epi32(x), _mm512_set1_epi32(-127));
  const Ints code = _mm512_add_epi32(_mm512_min_epi32(whole, _mm512_set1_epi32(127)), _mm512_set1_epi32(128));
  _mm_mask_storeu_epi8(to, first_lanes(count), _mm512_cvtepi32_epi8(code));
}

inline Floats load_half(const uint16_t* from) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}
inline Floats load_bfloat16(const uint16_t* from) {
  const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}
inline Floats load_int8(const int8_t* from) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
}

// Indices that stand in bytes; those from `count` on are 0.
inline Ints load_places(const uint8_t* from, int64_t count) {
  return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(first_lanes(count), from));
}
inline Floats gather(const float* from, Ints places) { return _mm512_i32gather_ps(places, from, 4); }

// to[j * to_stride + i] = from[i * from_stride + j] for sixteen i and j.
inline void transpose_block(const float* from, int64_t from_stride, float* to, int64_t to_stride) {
  __m512 a[16];
  __m512 b[16];
  for (int i = 0; i < 16; ++i) a[i] = _mm512_loadu_ps(from + i * from_stride);
  for (int i = 0; i < 16; i += 2) {
    b[i] = _mm512_unpacklo_ps(a[i], a[i + 1]);
    b[i + 1] = _mm512_unpackhi_ps(a[i], a[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    a[i] = _mm512_shuffle_ps(b[i], b[i + 2], 0x44);
    a[i + 1] = _mm512_shuffle_ps(b[i], b[i + 2], 0xEE);
    a[i + 2] = _mm512_shuffle_ps(b[i + 1], b[i + 3], 0x44);
    a[i + 3] = _mm512_shuffle_ps(b[i + 1], b[i + 3], 0xEE);
  }
  // a[4 g + c] now holds columns c, c + 4, c + 8, c + 12 (one a quarter) of rows 4 g .. 4 g + 3.
  for (int c = 0; c < 4; ++c) {
    const __m512 low01 = _mm512_shuffle_f32x4(a[c], a[4 + c], 0x44);
    const __m512 high01 = _mm512_shuffle_f32x4(a[c], a[4 + c], 0xEE);
    const __m512 low23 = _mm512_shuffle_f32x4(a[8 + c], a[12 + c], 0x44);
    const __m512 high23 = _mm512_shuffle_f32x4(a[8 + c], a[12 + c], 0xEE);
    _mm512_storeu_ps(to + c * to_stride, _mm512_shuffle_f32x4(low01, low23, 0x88));
    _mm512_storeu_ps(to + (c + 4) * to_stride, _mm512_shuffle_f32x4(low01, low23, 0xDD));
    _mm512_storeu_ps(to + (c + 8) * to_stride, _mm512_shuffle_f32x4(high01, high23, 0x88));
    _mm512_storeu_ps(to + (c + 12) * to_stride, _mm512_shuffle_f32x4(high01, high23, 0xDD));
  }
}

}  // namespace
