#pragma once
// Damage for tests that feed a reader what it did not expect. The same generator state gives the same damage.

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include "base/rng.h"

namespace espalier::test {
namespace detail {

struct Range {
  size_t begin = 0;
  size_t end = 0;
};

inline std::vector<Range> numbers_in(const std::string& text) {
  std::vector<Range> ranges;
  bool inside_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"' && (i == 0 || text[i - 1] != '\\')) inside_string = !inside_string;
    if (inside_string || std::isdigit(static_cast<unsigned char>(text[i])) == 0) continue;
    const size_t begin = i;
    while (i < text.size() && std::isdigit(static_cast<unsigned char>(text[i])) != 0) ++i;
    ranges.push_back({begin, i});
  }
  return ranges;
}

inline std::vector<Range> strings_in(const std::string& text) {
  std::vector<Range> ranges;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '"') continue;
    const size_t end = text.find('"', i + 1);
    if (end == std::string::npos) break;
    ranges.push_back({i, end + 1});
    i = end;
  }
  return ranges;
}

inline std::string replaced(const std::string& text, Range range, const std::string& by) {
  return text.substr(0, range.begin) + by + text.substr(range.end);
}

inline const std::vector<std::string>& strange_values() {
  static const std::vector<std::string> values = {
      "0",    "-1",   "1e400", "1.5",  "18446744073709551615", "9223372036854775807",
      "null", "true", "[]",    "{}",   "99999999999999999999", "4294967296",
      "\"\"", "NaN",  "1",     "7",    "2147483648",           "\"\\u0000\"",
      "[[]]", "-0",   "1e3",   "\"x\""};
  return values;
}

}  // namespace detail

// One change of some bytes: cut short, flipped bits, removed, doubled, overwritten.
inline std::string mutated_bytes(const std::string& bytes, Rng& rng) {
  if (bytes.empty()) return "x";
  std::string out = bytes;
  const size_t at = rng.below(out.size());
  const size_t count = 1 + rng.below(std::min<size_t>(32, out.size() - at));
  switch (rng.below(5)) {
    case 0:
      return out.substr(0, at);
    case 1:
      out[at] = static_cast<char>(out[at] ^ (1 << rng.below(8)));
      return out;
    case 2:
      return out.erase(at, count);
    case 3:
      return out.insert(at, out.substr(at, count));
    default:
      for (size_t i = 0; i < count; ++i) out[at + i] = static_cast<char>(rng.below(256));
      return out;
  }
}

// One change of a JSON text as text: numbers made huge, negative or real, members doubled, swapped or removed, brackets
// and quotes lost, strings replaced by other types, or a change of some bytes.
inline std::string mutated_json(const std::string& text, Rng& rng) {
  const std::vector<detail::Range> numbers = detail::numbers_in(text);
  const std::vector<detail::Range> strings = detail::strings_in(text);
  const uint64_t kind = rng.below(8);
  if (kind <= 1 && !numbers.empty())
    return detail::replaced(text, rng.pick(numbers), rng.pick(detail::strange_values()));
  if (kind == 2 && numbers.size() >= 2) {
    const size_t first = rng.below(numbers.size() - 1);
    const std::string a = text.substr(numbers[first].begin, numbers[first].end - numbers[first].begin);
    const std::string b = text.substr(numbers[first + 1].begin, numbers[first + 1].end - numbers[first + 1].begin);
    return detail::replaced(detail::replaced(text, numbers[first + 1], a), numbers[first], b);
  }
  if (kind == 3 && !strings.empty())
    return detail::replaced(text, rng.pick(strings), rng.pick(detail::strange_values()));
  if (kind == 4 && strings.size() >= 2) {
    const detail::Range from = rng.pick(strings);
    return detail::replaced(text, rng.pick(strings), text.substr(from.begin, from.end - from.begin));
  }
  if (kind == 5) {
    // A stretch from one comma to the next, removed or said twice.
    const size_t start = text.find(',', rng.below(text.size() + 1));
    const size_t end = start == std::string::npos ? start : text.find(',', start + 1);
    if (end != std::string::npos) {
      const std::string stretch = text.substr(start, end - start);
      return rng.chance(0.5) ? detail::replaced(text, {start, end}, "")
                             : detail::replaced(text, {start, start}, stretch);
    }
  }
  return mutated_bytes(text, rng);
}

}  // namespace espalier::test
