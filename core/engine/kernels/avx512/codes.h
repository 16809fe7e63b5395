#pragma once
// Packed codes (kernels.h) back to bytes, 64 at a time; include after vector.h.

namespace {

using espalier::kernels::kCodesOfChunk;
using espalier::kernels::kCodesOfUnit;

inline Ints set_bits(Ints to, Ints from, Ints mask) { return _mm512_ternarylogic_epi32(to, from, mask, 0xF8); }

// One chunk of kBits a code.
template <int kBits>
inline void unpack_chunk_of(const uint8_t* from, int8_t* to) {
  constexpr bool kFour = kBits >= 4;
  constexpr int64_t kRegister = 64;
  const Ints top = _mm512_set1_epi8(static_cast<char>(0xF0));
  const Ints pair = _mm512_set1_epi8(static_cast<char>(kFour ? 0x0C : 0xC0));
  const Ints last = _mm512_set1_epi8(static_cast<char>(1 << (8 - kBits)));
  for (int64_t unit = 0; unit < kCodesOfChunk; unit += kCodesOfUnit) {
    _mm_prefetch(from + 2048, _MM_HINT_T0);
    Ints v[4];
    for (Ints& part : v) part = _mm512_setzero_si512();
    if constexpr (kFour) {
      for (int i = 0; i < 4; i += 2, from += kRegister) {
        const Ints both = _mm512_loadu_si512(from);
        v[i] = _mm512_and_si512(both, top);
        v[i + 1] = _mm512_and_si512(_mm512_slli_epi16(both, 4), top);
      }
    }
    if constexpr ((kBits & 2) != 0) {
      const Ints all_four = _mm512_loadu_si512(from);
      from += kRegister;
      // Where each register's two bits are moved: to the byte's top, or behind its first four bits.
      if constexpr (kFour) {
        v[0] = set_bits(v[0], _mm512_srli_epi16(all_four, 4), pair);
        v[1] = set_bits(v[1], _mm512_srli_epi16(all_four, 2), pair);
        v[2] = set_bits(v[2], all_four, pair);
        v[3] = set_bits(v[3], _mm512_slli_epi16(all_four, 2), pair);
      } else {
        v[0] = _mm512_and_si512(all_four, pair);
        v[1] = _mm512_and_si512(_mm512_slli_epi16(all_four, 2), pair);
        v[2] = _mm512_and_si512(_mm512_slli_epi16(all_four, 4), pair);
        v[3] = _mm512_and_si512(_mm512_slli_epi16(all_four, 6), pair);
      }
    }
    if constexpr ((kBits & 1) != 0) {
      for (Ints& part : v) {
        uint64_t ones;
        __builtin_memcpy(&ones, from, sizeof ones);
        from += sizeof ones;
        part = _mm512_mask_add_epi8(part, ones, part, last);
      }
    }
    for (const Ints& part : v) {
      _mm512_storeu_si512(to, part);
      to += kRegister;
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
