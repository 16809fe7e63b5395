#pragma once
// The few facts about code points that tokenizers need, with the meaning that the reference implementations give them.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

inline constexpr char32_t kReplacementCharacter = 0xFFFD;

// One code point of a text while it is normalized, with the span of the original text that it stands for.
struct AlignedChar {
  char32_t code = 0;
  int32_t begin = 0;  // [begin, end) in code points of the original text
  int32_t end = 0;
};
using AlignedText = std::vector<AlignedChar>;

// Reads the code point at `at` and moves `at` behind it. A byte that begins no valid sequence (truncated, overlong,
// surrogate, above U+10FFFF) gives U+FFFD and one step: any bytes can be read.
char32_t next_code_point(std::string_view text, size_t& at);
void append_utf8(std::string& out, char32_t code);
// Code points of a text, counted as next_code_point reads them.
int64_t count_code_points(std::string_view text);

bool is_white_space(char32_t code);  // property White_Space
bool is_control(char32_t code);      // general categories Cc, Cf, Co, Cs, but not tab, line feed, carriage return
bool is_punctuation(
    char32_t code);  // general categories P*, and every ASCII character that prints but is no letter, digit
bool is_cjk_ideograph(char32_t code);    // the blocks that BERT sets apart
bool is_nonspacing_mark(char32_t code);  // general category Mn
bool is_word_char(char32_t code);        // letter, mark, decimal digit, connector: \w

// Canonical decomposition with canonical ordering. Every code point made from one keeps that one's span.
AlignedText decomposed(const AlignedText& text);
// Lower case code point by code point, without context: a final sigma stays a plain one, U+0130 gives two.
AlignedText lower_cased(const AlignedText& text);

}  // namespace espalier
