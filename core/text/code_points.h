#pragma once
// What Unicode says of each code point, as far as tokenizers ask. The tables are written by the build, which asks ICU
// (tables/make_code_points.cpp), so that a program that carries them needs no ICU.

#include <cstdint>
#include <optional>
#include <span>

namespace espalier::code_points {

// General categories, as two letters of the standard.
enum class Category : uint8_t {
  Cn,
  Lu,
  Ll,
  Lt,
  Lm,
  Lo,
  Mn,
  Me,
  Mc,
  Nd,
  Nl,
  No,
  Zs,
  Zl,
  Zp,
  Cc,
  Cf,
  Co,
  Cs,
  Pd,
  Ps,
  Pe,
  Pc,
  Po,
  Sm,
  Sc,
  Sk,
  So,
  Pi,
  Pf
};

// Grapheme_Cluster_Break (UAX 29).
enum class Break : uint8_t { Other, Cr, Lf, Control, Extend, Zwj, Regional, Prepend, SpacingMark, L, V, T, Lv, Lvt };

struct Facts {
  Category category = Category::Cn;
  uint8_t version = 0;          // the major version of Unicode that brought it; 0: none has yet
  uint8_t combining_class = 0;  // canonical
  Break grapheme_break = Break::Other;
  bool white_space = false;
  bool alphabetic = false;
  bool join_control = false;
  bool pictographic = false;  // Extended_Pictographic
  int32_t to_lower = 0;       // simple lower case = code + to_lower
  // Full decompositions, [offset, offset + length) of a common list; length 0: none.
  uint16_t canonical_offset = 0, compatible_offset = 0;
  uint8_t canonical_length = 0, compatible_length = 0;
};

// Of any value; above U+10FFFF the facts of an unassigned code point.
const Facts& facts(char32_t code);

// The full canonical (D68) or compatibility (D65) decomposition; empty when a code point stands for itself. Syllables
// of Hangul are not in the tables: hangul_parts.
std::span<const char32_t> decomposition(const Facts& facts, bool compatible);

// A syllable of Hangul as its two or three letters; `length` 0 for any other code point (section 3.12 of the standard).
struct HangulParts {
  char32_t parts[3] = {};
  int length = 0;
};
HangulParts hangul_parts(char32_t code);

// The primary composite of two code points, syllables of Hangul included.
std::optional<char32_t> composed(char32_t first, char32_t second);

// The version of Unicode that the tables hold, "15.0".
const char* unicode_of_tables();

}  // namespace espalier::code_points
