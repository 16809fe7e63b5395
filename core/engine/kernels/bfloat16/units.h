#pragma once
// Pairs of bfloat16 for attention: two multiplications a lane, sums in float32; include after attention.h.

namespace {

struct Bfloat16Pairs {
  static constexpr int64_t kDepth = 2;

  static Floats multiply_add(Floats a, Floats b, Floats sum) {
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
  }
  static Floats along_row(const float* from, int64_t count) {
    const Floats low = load_some(from, count < kLanes ? count : kLanes);
    const Floats high = count > kLanes ? load_some(from + kLanes, count - kLanes) : zero();
    return reinterpret_cast<Floats>(_mm512_cvtne2ps_pbh(high, low));
  }
  static Floats down_columns(const float* from, int64_t stride, int64_t rows, int64_t count) {
    const Floats even = load_some(from, count);
    const Floats odd = rows > 1 ? load_some(from + stride, count) : zero();
    // The even row's sixteen numbers stand below the odd row's; each pair takes one of both.
    const __m512i pairs = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                                           21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    const auto both = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(odd, even));
    return _mm512_castsi512_ps(_mm512_permutexvar_epi16(pairs, both));
  }
};

}  // namespace
