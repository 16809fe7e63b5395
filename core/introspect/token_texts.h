#pragma once
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace espalier {

// The text of every token; the ids as text when there is no tokenizer.
inline std::vector<std::string> token_texts(const Encoding& encoding, const Tokenizer* tokenizer) {
  std::vector<std::string> texts;
  texts.reserve(encoding.size());
  for (const TokenId id : encoding.ids)
    texts.push_back(tokenizer != nullptr ? tokenizer->token(id) : std::to_string(id));
  return texts;
}

}  // namespace espalier
