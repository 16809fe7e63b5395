#pragma once
// The few facts about code points that tokenizers need, with the meaning that the reference implementations give them.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace espalier {

inline constexpr char32_t kReplacementCharacter = 0xFFFD;

// Reads the code point at `at` and moves `at` behind it. A byte that begins no valid sequence (truncated, overlong,
// surrogate, above U+10FFFF) gives U+FFFD and one step: any bytes can be read.
char32_t next_code_point(std::string_view text, size_t& at);
void append_utf8(std::string& out, char32_t code);
// Bytes of a code point in UTF-8: 1 to 4.
inline size_t utf8_size(char32_t code) { return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4; }
// Code points of a text, counted as next_code_point reads them.
int64_t count_code_points(std::string_view text);
// The same text with every longest broken sequence replaced by one U+FFFD: for bytes that tokens were joined from.
std::string valid_utf8(std::string_view text);

// The major version of Unicode that brought the code point; 0 when none has yet.
int unicode_version(char32_t code);
// The version whose tables the reference normalizes by: later code points have no decomposition and are no marks.
inline constexpr int kNormalizationVersion = 9;

bool is_white_space(char32_t code);  // property White_Space
bool is_control(char32_t code);      // general categories Cc, Cf, Co, Cs, but not tab, line feed, carriage return
bool is_punctuation(
    char32_t code);  // general categories P*, and every ASCII character that prints but is no letter, digit
bool is_cjk_ideograph(char32_t code);    // the blocks that BERT sets apart
bool is_nonspacing_mark(char32_t code);  // general category Mn
bool is_mark(char32_t code);             // general categories M*, as of kNormalizationVersion
bool is_letter(char32_t code);           // general categories L*
bool is_number(char32_t code);           // general categories N*
bool is_decimal_digit(char32_t code);    // general category Nd
bool is_word_char(char32_t code);        // \w: alphabetic, mark, decimal digit, connector, join control

}  // namespace espalier
