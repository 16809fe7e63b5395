#include "text/aligned_text.h"

#include <algorithm>
#include <optional>

#include "text/code_points.h"
#include "text/unicode.h"

namespace espalier {
namespace {

using code_points::Break;
using code_points::facts;

char32_t lower(char32_t code) { return code + static_cast<char32_t>(facts(code).to_lower); }

uint8_t combining_class(char32_t code) {
  if (code < 0x300) return 0;
  const code_points::Facts& known = facts(code);
  return known.version > kNormalizationVersion ? 0 : known.combining_class;
}

// No code point below has a decomposition of the kind.
char32_t first_decomposing(bool compatible) { return compatible ? 0xA0 : 0xC0; }

std::vector<Change> decomposed(const AlignedText& text, bool compatible) {
  std::vector<Change> out;
  out.reserve(text.size() + 8);
  for (const AlignedChar& c : text) {
    const code_points::Facts& known = facts(c.code);
    const code_points::HangulParts hangul = code_points::hangul_parts(c.code);
    const std::span<const char32_t> parts =
        hangul.length != 0 ? std::span(hangul.parts).first(static_cast<size_t>(hangul.length))
        : c.code < first_decomposing(compatible) || known.version > kNormalizationVersion
            ? std::span<const char32_t>()
            : code_points::decomposition(known, compatible);
    if (parts.empty()) {
      out.push_back({c.code, 0});
      continue;
    }
    for (size_t i = 0; i < parts.size(); ++i) out.push_back({parts[i], i == 0 ? 0 : 1});
  }
  for (auto begin = out.begin(); begin != out.end();) {
    if (combining_class(begin->code) == 0) {
      ++begin;
      continue;
    }
    const auto end = std::find_if(begin, out.end(), [](const Change& c) { return combining_class(c.code) == 0; });
    std::stable_sort(
        begin, end, [](const Change& a, const Change& b) { return combining_class(a.code) < combining_class(b.code); });
    begin = end;
  }
  return out;
}

// Canonical composition (UAX 15, D117) of decomposed text, in place.
void compose(std::vector<Change>& text) {
  std::optional<size_t> starter;
  int last_class = -1;  // of what was kept since the starter; -1: nothing was
  size_t size = 0;
  for (const Change c : text) {
    const int this_class = combining_class(c.code);
    if (starter && last_class < this_class) {
      const std::optional<char32_t> both = code_points::composed(text[*starter].code, c.code);
      if (both && unicode_version(*both) <= kNormalizationVersion) {
        text[*starter] = {*both, text[*starter].taken + c.taken - 1};
        continue;
      }
    }
    if (this_class == 0) starter = size;
    last_class = this_class == 0 ? -1 : this_class;
    text[size++] = c;
  }
  text.resize(size);
}

bool joins_hangul(Break left, Break right) {
  if (left == Break::L) return right == Break::L || right == Break::V || right == Break::Lv || right == Break::Lvt;
  if (left == Break::Lv || left == Break::V) return right == Break::V || right == Break::T;
  return (left == Break::Lvt || left == Break::T) && right == Break::T;
}

}  // namespace

AlignedText aligned_text(std::string_view bytes, int32_t& next_char) {
  AlignedText text;
  text.reserve(bytes.size());
  for (size_t at = 0; at < bytes.size(); ++next_char) {
    const char32_t code = next_code_point(bytes, at);
    text.push_back({code, next_char, next_char + 1});
  }
  return text;
}

std::string lower_cased(std::string_view utf8) {
  int32_t next_char = 0;
  AlignedText text = aligned_text(utf8, next_char);
  lower_case(text);
  return to_utf8(text);
}

std::string to_utf8(std::span<const AlignedChar> text) {
  std::string bytes;
  for (const AlignedChar& c : text) append_utf8(bytes, c.code);
  return bytes;
}

void apply_changes(AlignedText& text, const std::vector<Change>& changes, size_t skipped) {
  AlignedText out;
  out.reserve(changes.size());
  size_t at = skipped;
  for (const Change& change : changes) {
    const bool inserted = change.taken > 0;
    const size_t from = inserted ? at - 1 : at;
    // Only a change that claims more than there is ends here; then nothing of the original is left to point at.
    const bool known = (!inserted || at > 0) && from < text.size();
    out.push_back({change.code, known ? text[from].begin : 0, known ? text[from].end : 0});
    if (!inserted) at += 1 + static_cast<size_t>(-change.taken);
  }
  text = std::move(out);
}

void to_normal_form(AlignedText& text, NormalForm form) {
  const bool compatible = form == NormalForm::KC || form == NormalForm::KD;
  if (std::all_of(text.begin(), text.end(),
                  [&](const AlignedChar& c) { return c.code < first_decomposing(compatible); })) {
    return;
  }
  std::vector<Change> changes = decomposed(text, compatible);
  if (form == NormalForm::C || form == NormalForm::KC) compose(changes);
  apply_changes(text, changes);
}

void lower_case(AlignedText& text) {
  if (std::none_of(text.begin(), text.end(), [](const AlignedChar& c) { return c.code == 0x130; })) {
    for (AlignedChar& c : text) {
      if (c.code < 0x80) {
        c.code = c.code >= 'A' && c.code <= 'Z' ? c.code + 32 : c.code;
      } else {
        c.code = lower(c.code);
      }
    }
    return;
  }
  std::vector<Change> changes;
  for (const AlignedChar& c : text) {
    if (c.code == 0x130) {  // the one code point whose unconditional lower case is two
      changes.push_back({'i', 0});
      changes.push_back({0x307, 1});
    } else {
      changes.push_back({lower(c.code), 0});
    }
  }
  apply_changes(text, changes);
}

size_t grapheme_end(std::span<const AlignedChar> text, size_t begin) {
  size_t at = begin + 1;
  if (at >= text.size()) return at;
  if (text[begin].code < 0x300 && text[at].code < 0x300 && text[begin].code != '\r') return at;
  Break left = facts(text[begin].code).grapheme_break;
  bool after_pictograph = facts(text[begin].code).pictographic;  // a pictograph, then only Extend
  int64_t regionals = left == Break::Regional ? 1 : 0;
  for (; at < text.size(); ++at) {
    const Break right = facts(text[at].code).grapheme_break;
    if (left == Break::Cr) return right == Break::Lf ? at + 1 : at;
    if (left == Break::Lf || left == Break::Control) return at;
    if (right == Break::Cr || right == Break::Lf || right == Break::Control) return at;
    const bool pictograph = facts(text[at].code).pictographic;
    const bool joined = joins_hangul(left, right) || right == Break::Extend || right == Break::Zwj ||
                        right == Break::SpacingMark || left == Break::Prepend ||
                        (left == Break::Zwj && after_pictograph && pictograph) ||
                        (left == Break::Regional && right == Break::Regional && regionals % 2 == 1);
    if (!joined) return at;
    if (right != Break::Extend && right != Break::Zwj) after_pictograph = pictograph;
    regionals = right == Break::Regional ? regionals + 1 : regionals;
    left = right;
  }
  return at;
}

}  // namespace espalier
