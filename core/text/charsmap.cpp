#include "text/charsmap.h"

#include <algorithm>

#include "base/error.h"
#include "text/unicode.h"

namespace espalier {
namespace {

// The longest in use has 33 bytes.
constexpr size_t kMaxReplacement = 64;
// Code points of the longest text that a rule replaces: 4 in the rules in use. A damaged table may go in circles.
constexpr size_t kMaxReplaced = 32;

[[noreturn]] void refuse(std::string what, std::string_view where, std::string got, std::string wanted) {
  throw Error(ErrorKind::Format, {.what = "the normalization rules are damaged: " + std::move(what),
                                  .where = std::string(where),
                                  .got = std::move(got),
                                  .wanted = std::move(wanted)});
}

uint32_t little_endian(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = 4; i-- > 0;) value = (value << 8) | static_cast<uint8_t>(bytes[i]);
  return value;
}

// A unit of the double array: bits 0..7 label, 8 whether a value hangs below, 9 and 10..30 offset to the children, 31
// set in a value.
bool has_value(uint32_t unit) { return ((unit >> 8) & 1) != 0; }
uint32_t label(uint32_t unit) { return unit & 0x800000FF; }
uint32_t offset(uint32_t unit) { return (unit >> 10) << ((unit & (1U << 9)) >> 6); }
uint32_t value(uint32_t unit) { return unit & 0x7FFFFFFF; }

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

}  // namespace

Charsmap::Charsmap(std::string_view bytes, std::string_view where) {
  if (bytes.empty()) return;
  if (bytes.size() < 4) refuse("too short", where, std::to_string(bytes.size()) + " bytes", "at least 4");
  const size_t table = little_endian(bytes);
  if (table > bytes.size() - 4 || table % 4 != 0) {
    refuse("the table of rules does not fit", where, std::to_string(table) + " bytes",
           "a multiple of 4, at most " + std::to_string(bytes.size() - 4));
  }
  units_.resize(table / 4);
  for (size_t i = 0; i < units_.size(); ++i) units_[i] = little_endian(bytes.substr(4 + 4 * i, 4));
  replacements_ = bytes.substr(4 + table);
  for (size_t begin = 0; begin < replacements_.size();) {
    const size_t end = std::min(replacements_.find('\0', begin), replacements_.size());
    if (end - begin > kMaxReplacement) {
      refuse("a replacement is too long", where, std::to_string(end - begin) + " bytes",
             "at most " + std::to_string(kMaxReplacement));
    }
    begin = end + 1;
  }
}

Charsmap Charsmap::from_base64(std::string_view text, std::string_view where) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);
  uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const int digit = base64_digit(c);
    if (digit < 0) refuse("no base64 text", where, std::string(1, c), "letters, digits, + and /");
    bits = (bits << 6) | static_cast<uint32_t>(digit);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes.push_back(static_cast<char>((bits >> held) & 0xFF));
  }
  return {bytes, where};
}

std::optional<Charsmap::Match> Charsmap::find(std::span<const AlignedChar> text, bool first) const {
  if (units_.empty()) return std::nullopt;
  std::optional<Match> found;
  uint32_t node = offset(units_[0]);
  std::string bytes;  // of one code point: no allocation
  for (size_t i = 0; i < std::min(text.size(), kMaxReplaced); ++i) {
    bytes.clear();
    append_utf8(bytes, text[i].code);
    for (const char byte : bytes) {
      const auto step = static_cast<uint8_t>(byte);
      if (step == 0) return found;
      node ^= step;
      if (node >= units_.size() || label(units_[node]) != step) return found;
      const uint32_t unit = units_[node];
      node ^= offset(unit);
      if (!has_value(unit)) continue;
      if (node >= units_.size() || value(units_[node]) >= replacements_.size()) return found;
      found = {i + 1, std::string_view(replacements_.c_str() + value(units_[node]))};
      if (first) return found;
    }
  }
  return found;
}

std::optional<Charsmap::Match> Charsmap::longest(std::span<const AlignedChar> text) const { return find(text, false); }
std::optional<Charsmap::Match> Charsmap::shortest(std::span<const AlignedChar> text) const { return find(text, true); }

}  // namespace espalier
