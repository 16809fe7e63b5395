#pragma once
#include <utility>
#include <vector>

#include "text/tokenizer.h"

namespace espalier {

// Tokens of one text, without special tokens.
struct TokenSpans {
  std::vector<TokenId> ids;
  std::vector<std::pair<int32_t, int32_t>> offsets;

  void add(TokenId id, std::pair<int32_t, int32_t> span) {
    ids.push_back(id);
    offsets.push_back(span);
  }
  void resize(size_t size) {
    ids.resize(size);
    offsets.resize(size);
  }
  void reserve(size_t size) {
    ids.reserve(size);
    offsets.reserve(size);
  }
};

// Cuts the ends off so that the texts and `num_special` special tokens fit options.max_length. InvalidInput when the
// strategy cannot do that.
void truncate(TokenSpans& first, TokenSpans* second, const EncodeOptions& options, int64_t num_special);

}  // namespace espalier
