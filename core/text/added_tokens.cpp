#include "text/added_tokens.h"

#include <algorithm>

#include "text/unicode.h"

namespace espalier {
namespace {

// The start of the code point that ends at `end`; end > 0.
size_t previous_char(std::string_view text, size_t end) {
  size_t at = end - 1;
  while (at > 0 && end - at < 4 && (static_cast<uint8_t>(text[at]) & 0xC0) == 0x80) --at;
  size_t behind = at;
  next_code_point(text, behind);
  return behind == end ? at : end - 1;
}

char32_t char_before(std::string_view text, size_t at) {
  size_t begin = previous_char(text, at);
  return next_code_point(text, begin);
}

char32_t char_at(std::string_view text, size_t at) { return next_code_point(text, at); }

bool stands_alone(std::string_view text, size_t begin, size_t end) {
  return (begin == 0 || !is_word_char(char_before(text, begin))) &&
         (end == text.size() || !is_word_char(char_at(text, end)));
}

}  // namespace

void AddedTokenMatcher::add(const AddedToken& token, const std::string& content) {
  if (content.empty()) return;
  begins_[static_cast<uint8_t>(content[0])] = true;
  contents_.insert(content, static_cast<int32_t>(tokens_.size()));
  tokens_.push_back(token);
}

std::vector<AddedTokenMatch> AddedTokenMatcher::find_all(std::string_view text) const {
  std::vector<AddedTokenMatch> matches;
  size_t free_from = 0;  // end of the last match
  for (size_t at = 0; at < text.size();) {
    if (!begins_[static_cast<uint8_t>(text[at])]) {
      ++at;
      continue;
    }
    int32_t longest = -1;
    size_t length = 0;
    ByteTrie::Node node = ByteTrie::kRoot;
    for (size_t i = at; i < text.size(); ++i) {
      node = contents_.child(node, text[i]);
      if (node < 0) break;
      if (contents_.value(node) < 0) continue;
      longest = contents_.value(node);
      length = i + 1 - at;
    }
    if (longest < 0) {
      ++at;
      continue;
    }
    const AddedToken& token = tokens_[static_cast<size_t>(longest)];
    size_t begin = at;
    size_t end = at + length;
    at = end;
    if (token.single_word && !stands_alone(text, begin, end)) continue;
    if (token.lstrip) {
      while (begin > free_from && is_white_space(char_before(text, begin))) begin = previous_char(text, begin);
    }
    if (token.rstrip) {
      while (end < text.size() && is_white_space(char_at(text, end))) next_code_point(text, end);
    }
    matches.push_back({begin, end, token.id});
    free_from = end;
    at = std::max(at, end);
  }
  return matches;
}

}  // namespace espalier
