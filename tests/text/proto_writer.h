#pragma once
// Writes SentencePiece model files for tests, field by field.

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace espalier::test {

inline std::string varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>((value & 0x7F) | 0x80));
  out.push_back(static_cast<char>(value));
  return out;
}

inline std::string number_field(uint32_t field, uint64_t value) { return varint(field << 3) + varint(value); }

inline std::string bytes_field(uint32_t field, std::string_view bytes) {
  return varint((field << 3) | 2) + varint(bytes.size()) + std::string(bytes);
}

inline std::string float_field(uint32_t field, float value) {
  std::string out = varint((field << 3) | 5);
  const auto bits = std::bit_cast<uint32_t>(value);
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>(bits >> shift));
  return out;
}

struct ProtoPiece {
  std::string text;
  float score = 0;
  uint64_t kind = 1;  // 1 normal, 2 unknown, 3 control, 4 by a person, 6 byte
};

// `trainer` and `normalizer`: fields of these two messages.
inline std::string sentencepiece_file(const std::vector<ProtoPiece>& pieces, const std::string& trainer = "",
                                      const std::string& normalizer = "") {
  std::string out;
  for (const ProtoPiece& piece : pieces) {
    std::string fields = bytes_field(1, piece.text) + float_field(2, piece.score);
    if (piece.kind != 1) fields += number_field(3, piece.kind);
    out += bytes_field(1, fields);
  }
  return out + bytes_field(2, trainer) + bytes_field(3, normalizer);
}

}  // namespace espalier::test
