#include "text/code_points.h"

#include <algorithm>
#include <array>

namespace espalier::code_points {
namespace {

struct Composition {
  char32_t first, second, both;
};

#include "text/code_point_tables.inc"

constexpr char32_t kLeading = 0x1100, kVowel = 0x1161, kTrailing = 0x11A7, kSyllable = 0xAC00;
constexpr char32_t kLeadings = 19, kVowels = 21, kTrailings = 28, kSyllables = kLeadings * kVowels * kTrailings;

}  // namespace

const Facts& facts(char32_t code) {
  if (code > 0x10FFFF) return kFacts[0];
  const size_t block = kBlocks[code / kBlockSize];
  return kFacts[kIndexes[block * kBlockSize + code % kBlockSize]];
}

std::span<const char32_t> decomposition(const Facts& of, bool compatible) {
  return compatible ? std::span(kDecompositions).subspan(of.compatible_offset, of.compatible_length)
                    : std::span(kDecompositions).subspan(of.canonical_offset, of.canonical_length);
}

HangulParts hangul_parts(char32_t code) {
  if (code < kSyllable || code >= kSyllable + kSyllables) return {};
  const char32_t index = code - kSyllable;
  HangulParts found{{kLeading + index / (kVowels * kTrailings), kVowel + index % (kVowels * kTrailings) / kTrailings,
                     kTrailing + index % kTrailings},
                    3};
  if (found.parts[2] == kTrailing) found.length = 2;
  return found;
}

std::optional<char32_t> composed(char32_t first, char32_t second) {
  if (first >= kLeading && first < kLeading + kLeadings) {
    if (second < kVowel || second >= kVowel + kVowels) return std::nullopt;
    return kSyllable + ((first - kLeading) * kVowels + (second - kVowel)) * kTrailings;
  }
  const HangulParts syllable = hangul_parts(first);
  if (syllable.length != 0) {
    if (syllable.length == 3 || second <= kTrailing || second >= kTrailing + kTrailings) return std::nullopt;
    return first + (second - kTrailing);
  }
  const auto key = [](const Composition& c) { return std::pair(c.first, c.second); };
  const auto found = std::ranges::lower_bound(kCompositions, std::pair(first, second), {}, key);
  if (found == std::end(kCompositions) || key(*found) != std::pair(first, second)) return std::nullopt;
  return found->both;
}

const char* unicode_of_tables() { return kUnicodeVersion; }

}  // namespace espalier::code_points
