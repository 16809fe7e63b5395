#include "text/pattern.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/json.h"
#include "text/unicode.h"

namespace espalier {
namespace {

constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
// Longer contents of a file are damage, and would cost time for every character of a text.
constexpr size_t kMaxPattern = 256;

std::u32string code_points(std::string_view text) {
  std::u32string out;
  for (size_t at = 0; at < text.size();) out.push_back(next_code_point(text, at));
  return out;
}

// The number of {n,} when that is all of `text`.
std::optional<size_t> at_least(const std::u32string& text) {
  if (text.size() < 4 || text.size() > 6 || text[0] != '{' || text[text.size() - 2] != ',' || text.back() != '}')
    return std::nullopt;
  size_t number = 0;
  for (size_t i = 1; i + 2 < text.size(); ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    number = number * 10 + (text[i] - '0');
  }
  if (number == 0) return std::nullopt;
  return number;
}

}  // namespace

Pattern Pattern::literal(std::u32string text) {
  Pattern pattern;
  pattern.text_ = std::move(text);
  return pattern;
}

Pattern Pattern::from_json(const Json& json, std::string_view where) {
  const bool is_string = json.is_object() && json.contains("String");
  const auto source = json_get<std::string>(json, is_string ? "String" : "Regex", where);
  if (source.empty() || source.size() > kMaxPattern) {
    throw Error(ErrorKind::Format, {.what = "a pattern has no usable length",
                                    .where = std::string(where),
                                    .got = std::to_string(source.size()) + " bytes",
                                    .wanted = "1 to " + std::to_string(kMaxPattern)});
  }
  Pattern pattern;
  pattern.text_ = code_points(source);
  if (is_string) return pattern;
  if (source == kGpt2Pattern) {
    pattern.kind_ = Kind::Gpt2;
    return pattern;
  }
  const auto unsupported = [&] {
    return Error(ErrorKind::Unsupported, {.what = "the tokenizer uses a regular expression that is not known",
                                          .where = std::string(where),
                                          .got = source,
                                          .wanted = "a string, one kind of character repeated, or GPT-2's pattern"});
  };
  const auto is_operator = [](char32_t c) {
    return c < 0x80 && std::string_view("\\^$.|?*+()[]{}").find(static_cast<char>(c)) != std::string_view::npos;
  };
  std::u32string rest = pattern.text_;
  pattern.kind_ = Kind::Repeat;
  if (rest[0] == '\\' && rest.size() >= 2) {
    static constexpr std::string_view kNames = "nrt";
    static constexpr std::string_view kMeant = "\n\r\t";
    const char32_t name = rest[1];
    if (name == 's') {
      pattern.kind_ = Kind::WhiteSpace;
    } else if (name == 'd') {
      pattern.kind_ = Kind::Digit;
    } else if (name == 'w') {
      pattern.kind_ = Kind::WordChar;
    } else if (const size_t at = name < 0x80 ? kNames.find(static_cast<char>(name)) : std::string_view::npos;
               at != std::string_view::npos) {
      pattern.text_ = static_cast<char32_t>(kMeant[at]);
    } else if (is_operator(name)) {
      pattern.text_ = name;
    } else {
      throw unsupported();
    }
    rest.erase(0, 2);
  } else if (!is_operator(rest[0])) {
    pattern.text_ = rest[0];
    rest.erase(0, 1);
  } else {
    throw unsupported();
  }
  if (rest.empty()) return pattern;
  if (rest == U"+") {
    pattern.greedy_ = true;
    return pattern;
  }
  if (const auto number = at_least(rest)) {
    pattern.greedy_ = true;
    pattern.at_least_ = *number;
    return pattern;
  }
  pattern.text_ = code_points(source);
  if (std::any_of(pattern.text_.begin(), pattern.text_.end(), is_operator)) throw unsupported();
  pattern.kind_ = Kind::Literal;
  return pattern;
}

std::vector<Range> Pattern::find_all(std::span<const AlignedChar> text) const {
  std::vector<Range> found;
  const auto same = [this](char32_t code) {
    switch (kind_) {
      case Kind::WhiteSpace:
        return is_white_space(code);
      case Kind::Digit:
        return is_decimal_digit(code);
      case Kind::WordChar:
        return is_word_char(code);
      default:
        return code == text_[0];
    }
  };
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    if (kind_ == Kind::Gpt2) {
      end = gpt2_word_end(text, at);
    } else if (kind_ == Kind::Literal) {
      while (end < text.size() && end - at < text_.size() && text[end].code == text_[end - at]) ++end;
      if (end - at < text_.size()) end = at;
    } else {
      while (end < text.size() && (greedy_ || end - at < at_least_) && same(text[end].code)) ++end;
      if (end - at < at_least_) {
        at = std::max(end, at + 1);
        continue;
      }
    }
    if (end > at) found.push_back({at, end});
    at = std::max(end, at + 1);
  }
  return found;
}

size_t gpt2_word_end(std::span<const AlignedChar> text, size_t begin) {
  const auto code = [&](size_t at) { return at < text.size() ? text[at].code : U'\0'; };
  const auto run = [&](size_t at, const auto& is_kind) {
    while (at < text.size() && is_kind(text[at].code)) ++at;
    return at;
  };
  if (code(begin) == '\'') {
    const char32_t next = code(begin + 1);
    if (next == 's' || next == 't' || next == 'm' || next == 'd') return begin + 2;
    const char32_t last = code(begin + 2);
    if ((next == 'r' && last == 'e') || (next == 'v' && last == 'e') || (next == 'l' && last == 'l')) return begin + 3;
  }
  const auto is_other = [](char32_t c) { return !is_white_space(c) && !is_letter(c) && !is_number(c); };
  const size_t first = code(begin) == ' ' ? begin + 1 : begin;
  if (first < text.size()) {
    const char32_t c = text[first].code;
    if (is_letter(c)) return run(first, is_letter);
    if (is_number(c)) return run(first, is_number);
    if (is_other(c)) return run(first, is_other);
  }
  const size_t end = run(begin, is_white_space);
  // The last blank of several belongs to the word behind them.
  return end < text.size() && end - begin > 1 ? end - 1 : end;
}

}  // namespace espalier
