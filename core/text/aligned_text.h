#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

// One code point of a text while it is normalized, with the span of the original text that it stands for.
struct AlignedChar {
  char32_t code = 0;
  int32_t begin = 0;  // [begin, end) in code points of the original text
  int32_t end = 0;
};
using AlignedText = std::vector<AlignedChar>;

// The code points of UTF-8 bytes; the first has the number `next_char`, which moves behind the last.
AlignedText aligned_text(std::string_view bytes, int32_t& next_char);
std::string to_utf8(std::span<const AlignedChar> text);

// One code point of a text that replaces another, as the reference implementations count: with `taken` 0 it stands for
// the next old code point; with 1 it is inserted and stands for the old code point before; with -n it stands for the
// next old one and n more vanish behind that.
struct Change {
  char32_t code = 0;
  int32_t taken = 0;
};

// Replaces `text` by `changes`; the first `skipped` old code points vanish.
void apply_changes(AlignedText& text, const std::vector<Change>& changes, size_t skipped = 0);

enum class NormalForm { C, D, KC, KD };
// The Unicode normal forms (UAX 15) with alignment.
void to_normal_form(AlignedText& text, NormalForm form);
// Lower case code point by code point, without context: a final sigma stays a plain one, U+0130 gives two.
void lower_case(AlignedText& text);
std::string lower_cased(std::string_view utf8);

// The end of the extended grapheme cluster (UAX 29) that begins at `begin`; begin < text.size().
size_t grapheme_end(std::span<const AlignedChar> text, size_t begin);

}  // namespace espalier
