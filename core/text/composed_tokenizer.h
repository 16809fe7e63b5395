#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "text/added_tokens.h"
#include "text/decoder.h"
#include "text/normalizer.h"
#include "text/piece_model.h"
#include "text/post_processor.h"
#include "text/pre_tokenizer.h"
#include "text/tokenizer.h"

namespace espalier {

// From text to ids: rewrite, split into words, cut the words into pieces.
struct TextRoute {
  NormalizerPtr normalizer;       // null: nothing is rewritten
  PreTokenizerPtr pre_tokenizer;  // null: a text is one word
  PieceModelPtr model;            // not null
};

// Tokens by their use; empty: not said.
struct NamedTokens {
  std::string pad;
  std::string mask;
  std::string unknown;
  std::string cls;
  std::string sep;
  std::string bos;
  std::string eos;
};

// What a tokenizer is composed of.
struct TokenizerParts {
  std::vector<std::string> tokens;  // by id, added tokens too; empty strings are gaps
  std::vector<AddedToken> added;    // looked for in texts
  std::vector<TokenId> control;     // special too, but never looked for in a text
  TextRoute route;
  std::optional<TextRoute> target_route;  // for EncodeOptions::target
  PostProcessor post;
  Decoder decoder;
  NamedTokens named;
  int64_t model_max_length = 0;  // 0: not said
};

// Throws Format naming `where` when the parts contradict each other (ids out of range).
std::shared_ptr<const Tokenizer> compose_tokenizer(TokenizerParts parts, std::string_view where);

}  // namespace espalier
