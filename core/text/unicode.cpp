#include "text/unicode.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>

#include <algorithm>
#include <array>

#include "base/error.h"

namespace espalier {
namespace {

uint8_t byte_at(std::string_view text, size_t at) { return static_cast<uint8_t>(text[at]); }

bool is_continuation(std::string_view text, size_t at) {
  return at < text.size() && (byte_at(text, at) & 0xC0) == 0x80;
}

const UNormalizer2* canonical_decomposition() {
  static const UNormalizer2* const instance = [] {
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2* found = unorm2_getNFDInstance(&status);
    if (U_FAILURE(status)) throw Error(ErrorKind::Internal, "ICU has no canonical decomposition data");
    return found;
  }();
  return instance;
}

UChar32 icu(char32_t code) { return static_cast<UChar32>(code); }

// The reference asks an older table for general categories: later code points are letters of no kind to it.
bool in_category_table(char32_t code) {
  constexpr uint8_t kTableVersion = 8;
  UVersionInfo version;
  u_charAge(icu(code), version);
  return version[0] <= kTableVersion;
}

}  // namespace

char32_t next_code_point(std::string_view text, size_t& at) {
  const uint8_t lead = byte_at(text, at);
  if (lead < 0x80) {
    ++at;
    return lead;
  }
  int extra = 0;
  char32_t code = 0;
  char32_t smallest = 0;
  if (lead >= 0xC2 && lead <= 0xDF) {
    extra = 1, code = lead & 0x1F, smallest = 0x80;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    extra = 2, code = lead & 0x0F, smallest = 0x800;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    extra = 3, code = lead & 0x07, smallest = 0x10000;
  }
  for (int i = 1; i <= extra; ++i) {
    if (!is_continuation(text, at + static_cast<size_t>(i))) {
      ++at;
      return kReplacementCharacter;
    }
    code = (code << 6) | (byte_at(text, at + static_cast<size_t>(i)) & 0x3F);
  }
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (extra == 0 || code < smallest || surrogate || code > 0x10FFFF) {
    ++at;
    return kReplacementCharacter;
  }
  at += static_cast<size_t>(extra) + 1;
  return code;
}

void append_utf8(std::string& out, char32_t code) {
  const auto tail = [&](int shift) { out.push_back(static_cast<char>(0x80 | ((code >> shift) & 0x3F))); };
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out.push_back(static_cast<char>(0xC0 | (code >> 6)));
    tail(0);
  } else if (code < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | (code >> 12)));
    tail(6), tail(0);
  } else {
    out.push_back(static_cast<char>(0xF0 | (code >> 18)));
    tail(12), tail(6), tail(0);
  }
}

int64_t count_code_points(std::string_view text) {
  int64_t count = 0;
  for (size_t at = 0; at < text.size(); ++count) next_code_point(text, at);
  return count;
}

bool is_white_space(char32_t code) { return u_isUWhiteSpace(icu(code)) != 0; }

bool is_control(char32_t code) {
  if (code == '\t' || code == '\n' || code == '\r') return false;
  switch (u_charType(icu(code))) {
    case U_CONTROL_CHAR:
    case U_PRIVATE_USE_CHAR:
    case U_SURROGATE:
      return true;
    case U_FORMAT_CHAR:
      return in_category_table(code);
    default:
      return false;
  }
}

bool is_punctuation(char32_t code) {
  if (code < 0x80) {
    return (code >= 33 && code <= 47) || (code >= 58 && code <= 64) || (code >= 91 && code <= 96) ||
           (code >= 123 && code <= 126);
  }
  return u_ispunct(icu(code)) != 0 && in_category_table(code);
}

bool is_cjk_ideograph(char32_t code) {
  // The gap U+2B820..U+2B91F is the reference's own.
  static constexpr std::array<std::pair<char32_t, char32_t>, 8> kBlocks = {{{0x3400, 0x4DBF},
                                                                            {0x4E00, 0x9FFF},
                                                                            {0xF900, 0xFAFF},
                                                                            {0x20000, 0x2A6DF},
                                                                            {0x2A700, 0x2B73F},
                                                                            {0x2B740, 0x2B81F},
                                                                            {0x2B920, 0x2CEAF},
                                                                            {0x2F800, 0x2FA1F}}};
  return std::any_of(kBlocks.begin(), kBlocks.end(),
                     [code](const auto& block) { return code >= block.first && code <= block.second; });
}

bool is_nonspacing_mark(char32_t code) {
  return code >= 0x300 && u_charType(icu(code)) == U_NON_SPACING_MARK && in_category_table(code);
}

bool is_word_char(char32_t code) {
  constexpr uint32_t kWord = U_GC_L_MASK | U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK;
  return (U_GET_GC_MASK(icu(code)) & kWord) != 0;
}

AlignedText decomposed(const AlignedText& text) {
  AlignedText out;
  out.reserve(text.size() + 8);
  for (const AlignedChar& c : text) {
    std::array<UChar, 32> parts{};
    UErrorCode status = U_ZERO_ERROR;
    const int32_t length = c.code < 0xC0 ? -1
                                         : unorm2_getDecomposition(canonical_decomposition(), icu(c.code), parts.data(),
                                                                   static_cast<int32_t>(parts.size()), &status);
    if (length < 0 || U_FAILURE(status)) {
      out.push_back(c);
      continue;
    }
    for (int32_t i = 0; i < length;) {
      UChar32 part = 0;
      U16_NEXT(parts.data(), i, length, part);
      out.push_back({static_cast<char32_t>(part), c.begin, c.end});
    }
  }
  const auto combining_class = [](const AlignedChar& c) {
    return c.code < 0x300 ? 0 : u_getCombiningClass(icu(c.code));
  };
  for (size_t begin = 0; begin < out.size();) {
    if (combining_class(out[begin]) == 0) {
      ++begin;
      continue;
    }
    size_t end = begin;
    while (end < out.size() && combining_class(out[end]) != 0) ++end;
    std::stable_sort(
        out.begin() + static_cast<std::ptrdiff_t>(begin), out.begin() + static_cast<std::ptrdiff_t>(end),
        [&](const AlignedChar& a, const AlignedChar& b) { return combining_class(a) < combining_class(b); });
    begin = end;
  }
  return out;
}

AlignedText lower_cased(const AlignedText& text) {
  AlignedText out;
  out.reserve(text.size());
  for (const AlignedChar& c : text) {
    if (c.code == 0x130) {  // the one code point whose unconditional lower case is two
      out.push_back({'i', c.begin, c.end});
      out.push_back({0x307, c.begin, c.end});
    } else {
      out.push_back({static_cast<char32_t>(u_tolower(icu(c.code))), c.begin, c.end});
    }
  }
  return out;
}

}  // namespace espalier
