#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/index.h"

namespace espalier {

// Tokens of one text, without special tokens.
struct TokenSpans {
  std::vector<TokenId> ids;
  std::vector<std::pair<int32_t, int32_t>> offsets;
  // What tokens stand for in the text, by index in `ids`, where that is more than token() says and `keeps_texts`: text
  // unknown to a model with one unknown token for all, and added tokens with the blanks that they took along.
  std::vector<std::pair<size_t, std::string>> texts;
  bool keeps_texts = false;

  void add(TokenId id, std::pair<int32_t, int32_t> span) {
    ids.push_back(id);
    offsets.push_back(span);
  }
  void add(TokenId id, std::pair<int32_t, int32_t> span, std::string_view text) {
    if (keeps_texts) texts.emplace_back(ids.size(), std::string(text));
    add(id, span);
  }
  void resize(size_t size) {
    ids.resize(size);
    offsets.resize(size);
    while (!texts.empty() && texts.back().first >= size) texts.pop_back();
  }
  void reserve(size_t size) {
    ids.reserve(size);
    offsets.reserve(size);
  }
};

}  // namespace espalier
