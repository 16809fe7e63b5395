#pragma once
// Packed codes (kernels.h) back to bytes, 32 at a time; include after vector.h.

namespace {

using espalier::kernels::kCodesOfChunk;
using espalier::kernels::kCodesOfUnit;

// Bits of four bytes as the lowest bit of 32 bytes turned all ones.
inline Ints spread_bits(const uint8_t* from) {
  int32_t bits;
  __builtin_memcpy(&bits, from, sizeof bits);
  const Ints bytes = _mm256_shuffle_epi8(
      _mm256_set1_epi32(bits),
      _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3));
  const Ints own = _mm256_set1_epi64x(static_cast<int64_t>(0x8040201008040201ULL));
  return _mm256_cmpeq_epi8(_mm256_and_si256(bytes, own), own);
}

// One chunk of kBits a code.
template <int kBits>
inline void unpack_chunk_of(const uint8_t* from, int8_t* to) {
  constexpr bool kFour = kBits >= 4;
  constexpr int64_t kRegister = 64;
  constexpr int64_t kHalf = 32;
  const Ints top = _mm256_set1_epi8(static_cast<char>(0xF0));
  const Ints pair = _mm256_set1_epi8(static_cast<char>(kFour ? 0x0C : 0xC0));
  const Ints last = _mm256_set1_epi8(static_cast<char>(1 << (8 - kBits)));
  for (int64_t unit = 0; unit < kCodesOfChunk; unit += kCodesOfUnit, from += kCodesOfUnit / 8 * kBits) {
    for (int64_t half = 0; half < kRegister; half += kHalf) {
      const uint8_t* at = from;
      Ints v[4];
      for (Ints& part : v) part = _mm256_setzero_si256();
      const auto load_half_register = [&] { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + half)); };
      if constexpr (kFour) {
        for (int i = 0; i < 4; i += 2, at += kRegister) {
          const Ints both = load_half_register();
          v[i] = _mm256_and_si256(both, top);
          v[i + 1] = _mm256_and_si256(_mm256_slli_epi16(both, 4), top);
        }
      }
      if constexpr ((kBits & 2) != 0) {
        const Ints all_four = load_half_register();
        at += kRegister;
        Ints moved[4];
        if constexpr (kFour) {
          moved[0] = _mm256_srli_epi16(all_four, 4);
          moved[1] = _mm256_srli_epi16(all_four, 2);
          moved[2] = all_four;
          moved[3] = _mm256_slli_epi16(all_four, 2);
        } else {
          moved[0] = all_four;
          moved[1] = _mm256_slli_epi16(all_four, 2);
          moved[2] = _mm256_slli_epi16(all_four, 4);
          moved[3] = _mm256_slli_epi16(all_four, 6);
        }
        for (int i = 0; i < 4; ++i) v[i] = _mm256_or_si256(v[i], _mm256_and_si256(moved[i], pair));
      }
      if constexpr ((kBits & 1) != 0) {
        for (Ints& part : v) {
          part = _mm256_or_si256(part, _mm256_and_si256(spread_bits(at + half / 8), last));
          at += kRegister / 8;
        }
      }
      for (int i = 0; i < 4; ++i) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + unit + i * kRegister + half), v[i]);
      }
    }
  }
}

// to: 2048 bytes that count 2^(8 - bits) times the code; bits 2..7.
inline void unpack_chunk(const uint8_t* from, int64_t bits, int8_t* to) {
  switch (bits) {
    case 2:
      return unpack_chunk_of<2>(from, to);
    case 3:
      return unpack_chunk_of<3>(from, to);
    case 4:
      return unpack_chunk_of<4>(from, to);
    case 5:
      return unpack_chunk_of<5>(from, to);
    case 6:
      return unpack_chunk_of<6>(from, to);
    default:
      return unpack_chunk_of<7>(from, to);
  }
}

}  // namespace
