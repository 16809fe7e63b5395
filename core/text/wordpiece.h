#pragma once
// WordPiece as BERT uses it (Devlin 2019, arXiv 1810.04805): clean, set Chinese characters apart, strip accents, lower
// case, split at blanks and punctuation, then the longest known piece first.

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "text/tokenizer.h"

namespace espalier {

// A token that is recognised in the text itself.
struct AddedToken {
  TokenId id = 0;
  std::string content;
  bool single_word = false;  // only where no word character touches it
  bool lstrip = false;       // takes the blanks before it
  bool rstrip = false;       // takes the blanks behind it
  bool normalized = false;   // looked for after normalizing
  bool special = true;       // left out by decode
};

// What is put around the texts.
struct TemplateItem {
  enum class Kind { Special, First, Second } kind = Kind::Special;
  TokenId id = 0;  // of a special token
  int32_t type_id = 0;
};

struct WordPieceConfig {
  std::vector<std::string> tokens;  // by id, added tokens too
  std::vector<AddedToken> added;
  bool normalize = true;  // false: no normalizer at all, the four below do not count
  bool clean_text = true;
  bool separate_cjk = true;
  bool strip_accents = true;
  bool lower_case = true;
  std::string unknown_token = "[UNK]";
  std::string prefix = "##";
  int64_t max_word_chars = 100;
  std::vector<TemplateItem> single;
  std::vector<TemplateItem> pair;
  bool decode_wordpiece = true;  // false: tokens joined by blanks, no clean-up
  std::string decode_prefix = "##";
  bool decode_cleanup = true;
  std::string pad_token = "[PAD]";
  std::string mask_token = "[MASK]";
  int64_t model_max_length = 0;  // 0: not said
};

// Throws Format naming `where` when the configuration contradicts itself (no unknown token, ids out of range).
std::shared_ptr<const Tokenizer> make_wordpiece_tokenizer(WordPieceConfig config, std::string_view where);

// tokenizer.json; Unsupported naming the first component that is not known.
WordPieceConfig wordpiece_from_tokenizer_json(const Json& json, std::string_view where);
// vocab.txt with an optional tokenizer_config.json (null when absent).
WordPieceConfig wordpiece_from_vocabulary(std::string_view vocabulary, const Json& config, std::string_view where);
// Limits and named tokens of tokenizer_config.json or special_tokens_map.json, over what is there.
void apply_tokenizer_config(WordPieceConfig& config, const Json& json, std::string_view where);

}  // namespace espalier
