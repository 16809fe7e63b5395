#pragma once
// What stands beside a vocabulary in files of its own: tokenizer_config.json, special_tokens_map.json and
// added_tokens.json.

#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "text/composed_tokenizer.h"

namespace espalier {

struct TokenizerSettings {
  std::string tokenizer_class;  // empty: not said; "Fast" at its end is left out
  NamedTokens named;
  int64_t model_max_length = 0;  // 0: not said
  std::optional<bool> lower_case;
  std::optional<bool> strip_accents;
  std::optional<bool> separate_cjk;
  std::optional<bool> keep_accents;
  std::optional<bool> add_prefix_space;
  std::optional<bool> add_bos_token;
  std::optional<bool> separate_vocabs;
  std::optional<int64_t> extra_ids;
  std::vector<AddedToken> added;  // beyond the vocabulary, or saying how one of its tokens is looked for
};

// An entry of "added_tokens" or "added_tokens_decoder", without its id.
AddedToken added_token_from_json(const Json& json, std::string_view where);

// Each may be null when the file is absent. `folder` is named in errors.
TokenizerSettings read_settings(const Json& config, const Json& special_tokens_map, const Json& added_tokens,
                                std::string_view folder);

// Named tokens and limits over what `parts` say, and added tokens that they lack.
void apply_settings(TokenizerParts& parts, const TokenizerSettings& settings, std::string_view where);

// Makes `token` special and looked for in texts, if the vocabulary has it and it is not added already; gives its id or
// -1. The last of two equal tokens counts.
TokenId add_special_token(TokenizerParts& parts, const std::string& token, bool lstrip = false);

}  // namespace espalier
