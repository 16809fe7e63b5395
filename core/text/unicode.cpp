#include "text/unicode.h"

#include <algorithm>
#include <array>

#include "text/code_points.h"

namespace espalier {
namespace {

using code_points::Category;
using code_points::facts;

uint8_t byte_at(std::string_view text, size_t at) { return static_cast<uint8_t>(text[at]); }

bool is_continuation(std::string_view text, size_t at) {
  return at < text.size() && (byte_at(text, at) & 0xC0) == 0x80;
}

// Bytes of the longest beginning of a sequence that stands at `at` and is not carried to its end; at least 1.
size_t broken_prefix(std::string_view text, size_t at) {
  const uint8_t lead = byte_at(text, at);
  const size_t whole = lead >= 0xF0 && lead <= 0xF4 ? 4 : lead >= 0xE0 && lead < 0xF0 ? 3 : 1;
  size_t size = 1;
  for (; size < whole && is_continuation(text, at + size); ++size) {
    if (size > 1) continue;
    const uint8_t second = byte_at(text, at + 1);
    const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
    const bool outside = (lead == 0xED && second > 0x9F) || (lead == 0xF4 && second > 0x8F);
    if (overlong || outside) break;
  }
  return size;
}

constexpr uint32_t mask(Category category) { return 1U << static_cast<uint32_t>(category); }

template <typename... Categories>
constexpr uint32_t masks(Categories... categories) {
  return (mask(categories) | ...);
}

constexpr uint32_t kLetters = masks(Category::Lu, Category::Ll, Category::Lt, Category::Lm, Category::Lo);
constexpr uint32_t kMarks = masks(Category::Mn, Category::Me, Category::Mc);
constexpr uint32_t kNumbers = masks(Category::Nd, Category::Nl, Category::No);
constexpr uint32_t kPunctuation =
    masks(Category::Pd, Category::Ps, Category::Pe, Category::Pc, Category::Po, Category::Pi, Category::Pf);

bool is_any_of(char32_t code, uint32_t categories) { return (mask(facts(code).category) & categories) != 0; }

// The reference asks an older table for general categories: later code points are letters of no kind to it.
bool in_category_table(char32_t code) { return unicode_version(code) <= 8; }

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

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const char32_t code = next_code_point(text, at);
    if (code != kReplacementCharacter || at - begin == 3) {
      out.append(text, begin, at - begin);
      continue;
    }
    at = begin + broken_prefix(text, begin);
    append_utf8(out, kReplacementCharacter);
  }
  return out;
}

bool is_white_space(char32_t code) {
  if (code < 0x80) return code == ' ' || (code >= 9 && code <= 13);
  return facts(code).white_space;
}

bool is_control(char32_t code) {
  if (code == '\t' || code == '\n' || code == '\r') return false;
  switch (facts(code).category) {
    case Category::Cc:
    case Category::Co:
    case Category::Cs:
      return true;
    case Category::Cf:
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
  const bool was_punctuation = code == 0x166D || code == 0x111C9;  // of other kinds since
  return was_punctuation || (is_any_of(code, kPunctuation) && in_category_table(code));
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
  if (code < 0x300) return false;
  switch (code) {  // moved from or to another category since
    case 0x1734:
      return true;
    case 0x1885:
    case 0x1886:
    case 0xA9BD:
    case 0x111C9:
      return false;
    default:
      return facts(code).category == Category::Mn && in_category_table(code);
  }
}

int unicode_version(char32_t code) { return facts(code).version; }

bool is_mark(char32_t code) {
  if (code < 0x300) return false;
  const bool was_mark = code == 0x1CF2 || code == 0x1CF3;  // letters since Unicode 12
  return was_mark || (is_any_of(code, kMarks) && unicode_version(code) <= kNormalizationVersion);
}

bool is_letter(char32_t code) {
  if (code < 0x80) return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
  return is_any_of(code, kLetters);
}

bool is_number(char32_t code) {
  if (code < 0x80) return code >= '0' && code <= '9';
  return is_any_of(code, kNumbers);
}

bool is_decimal_digit(char32_t code) {
  if (code < 0x80) return code >= '0' && code <= '9';
  return facts(code).category == Category::Nd;
}

bool is_word_char(char32_t code) {
  if (code < 0x80) return is_letter(code) || is_number(code) || code == '_';
  const code_points::Facts& known = facts(code);
  return is_any_of(code, kMarks | mask(Category::Nd) | mask(Category::Pc)) || known.alphabetic || known.join_control;
}

}  // namespace espalier
