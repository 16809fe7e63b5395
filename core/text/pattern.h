#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_fwd.h"
#include "text/aligned_text.h"

namespace espalier {

// [begin, end) of a text, in code points.
struct Range {
  size_t begin = 0;
  size_t end = 0;
};

// What a Replace or Split of a tokenizer file looks for: a string, one kind of character repeated, or GPT-2's words.
class Pattern {
 public:
  // {"String": ...} or {"Regex": ...}. A regular expression may be a string without operators, one character or one of
  // \s \d \w \n \r \t, with + or {n,} behind it, or the pattern of GPT-2 itself. Unsupported naming any other.
  static Pattern from_json(const Json& json, std::string_view where);
  static Pattern literal(std::u32string text);

  // Matches from left to right, without overlap, none of them empty.
  std::vector<Range> find_all(std::span<const AlignedChar> text) const;

 private:
  enum class Kind { Literal, Repeat, WhiteSpace, Digit, WordChar, Gpt2 };
  Kind kind_ = Kind::Literal;
  std::u32string text_;  // Literal: all of it; Repeat: one code point
  size_t at_least_ = 1;  // of a repeated character
  bool greedy_ = false;  // whether more than at_least_ are taken
};

// GPT-2's words (Radford 2019): contractions, letters, digits, other marks, each with one blank before, and blanks.
// The end of the word that begins at `begin`; begin < text.size().
size_t gpt2_word_end(std::span<const AlignedChar> text, size_t begin);

}  // namespace espalier
