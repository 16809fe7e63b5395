// The compiled-in tables against ICU itself, over every code point.

#include "text/code_points.h"

#include <gtest/gtest.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/utf16.h>

#include <algorithm>
#include <array>
#include <optional>
#include <random>
#include <string>

namespace espalier::code_points {
namespace {

constexpr char32_t kEnd = 0x110000;

UChar32 icu(char32_t code) { return static_cast<UChar32>(code); }

const UNormalizer2* normalizer(bool compatible) {
  UErrorCode status = U_ZERO_ERROR;
  return compatible ? unorm2_getNFKCInstance(&status) : unorm2_getNFCInstance(&status);
}

std::u32string decomposed_by_icu(char32_t code, bool compatible) {
  std::array<UChar, 64> units{};
  UErrorCode status = U_ZERO_ERROR;
  const int32_t length = unorm2_getDecomposition(normalizer(compatible), icu(code), units.data(), 64, &status);
  std::u32string parts;
  for (int32_t i = 0; i < length;) {
    UChar32 part = 0;
    U16_NEXT(units.data(), i, length, part);
    parts.push_back(static_cast<char32_t>(part));
  }
  return parts;
}

std::u32string decomposed_by_tables(char32_t code, bool compatible) {
  const HangulParts hangul = hangul_parts(code);
  if (hangul.length != 0) return {hangul.parts, static_cast<size_t>(hangul.length)};
  const auto parts = decomposition(facts(code), compatible);
  return {parts.begin(), parts.end()};
}

TEST(CodePoints, FactsAreThoseOfIcu) {
  for (char32_t code = 0; code < kEnd; ++code) {
    const Facts& known = facts(code);
    UVersionInfo version;
    u_charAge(icu(code), version);
    const bool same = static_cast<int>(known.category) == u_charType(icu(code)) && known.version == version[0] &&
                      known.combining_class == u_getCombiningClass(icu(code)) &&
                      known.white_space == (u_isUWhiteSpace(icu(code)) != 0) &&
                      known.alphabetic == (u_isUAlphabetic(icu(code)) != 0) &&
                      known.join_control == (u_hasBinaryProperty(icu(code), UCHAR_JOIN_CONTROL) != 0) &&
                      known.pictographic == (u_hasBinaryProperty(icu(code), UCHAR_EXTENDED_PICTOGRAPHIC) != 0) &&
                      icu(code) + known.to_lower == u_tolower(icu(code));
    ASSERT_TRUE(same) << std::hex << static_cast<uint32_t>(code);
  }
}

TEST(CodePoints, DecompositionsAreThoseOfIcu) {
  for (char32_t code = 0; code < kEnd; ++code) {
    for (const bool compatible : {false, true}) {
      ASSERT_EQ(decomposed_by_tables(code, compatible), decomposed_by_icu(code, compatible))
          << std::hex << static_cast<uint32_t>(code);
    }
  }
}

TEST(CodePoints, CompositionsAreThoseOfIcu) {
  const auto by_icu = [](char32_t first, char32_t second) -> std::optional<char32_t> {
    const UChar32 both = unorm2_composePair(normalizer(false), icu(first), icu(second));
    return both < 0 ? std::nullopt : std::optional(static_cast<char32_t>(both));
  };
  int64_t found = 0;
  for (char32_t code = 0; code < kEnd; ++code) {
    const std::u32string parts = decomposed_by_icu(code, false);
    if (parts.size() < 2) continue;
    // Of what a code point falls into, every neighbouring pair, and what all but the last compose to with the last.
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      ASSERT_EQ(composed(parts[i], parts[i + 1]), by_icu(parts[i], parts[i + 1]));
      found += composed(parts[i], parts[i + 1]) ? 1 : 0;
    }
    const std::optional<char32_t> start = by_icu(parts[0], parts[1]);
    if (parts.size() == 3 && start) {
      ASSERT_EQ(composed(*start, parts[2]), by_icu(*start, parts[2]));
    }
  }
  EXPECT_GT(found, 11172);  // the syllables of Hangul alone
  std::mt19937 random(1);
  for (int i = 0; i < 1'000'000; ++i) {
    const char32_t first = random() % 0x3100;
    const char32_t second = random() % 2 == 0 ? 0x300 + random() % 0x70 : random() % 0x3100;
    ASSERT_EQ(composed(first, second), by_icu(first, second));
  }
}

TEST(CodePoints, GraphemeBreaksAreThoseOfIcu) {
  constexpr std::array<std::pair<int, Break>, 14> kSame = {{{U_GCB_OTHER, Break::Other},
                                                            {U_GCB_CR, Break::Cr},
                                                            {U_GCB_LF, Break::Lf},
                                                            {U_GCB_CONTROL, Break::Control},
                                                            {U_GCB_EXTEND, Break::Extend},
                                                            {U_GCB_ZWJ, Break::Zwj},
                                                            {U_GCB_REGIONAL_INDICATOR, Break::Regional},
                                                            {U_GCB_PREPEND, Break::Prepend},
                                                            {U_GCB_SPACING_MARK, Break::SpacingMark},
                                                            {U_GCB_L, Break::L},
                                                            {U_GCB_V, Break::V},
                                                            {U_GCB_T, Break::T},
                                                            {U_GCB_LV, Break::Lv},
                                                            {U_GCB_LVT, Break::Lvt}}};
  for (char32_t code = 0; code < kEnd; ++code) {
    const int wanted = u_getIntPropertyValue(icu(code), UCHAR_GRAPHEME_CLUSTER_BREAK);
    const auto* const same =
        std::find_if(kSame.begin(), kSame.end(), [&](const auto& pair) { return pair.first == wanted; });
    ASSERT_EQ(facts(code).grapheme_break, same == kSame.end() ? Break::Other : same->second)
        << std::hex << static_cast<uint32_t>(code);
  }
}

TEST(CodePoints, NothingIsKnownOutsideUnicode) {
  for (const char32_t code : {kEnd, char32_t{0xFFFFFFFF}}) {
    EXPECT_EQ(facts(code).category, Category::Cn);
    EXPECT_EQ(hangul_parts(code).length, 0);
    EXPECT_FALSE(composed(code, 0x301));
  }
}

}  // namespace
}  // namespace espalier::code_points
