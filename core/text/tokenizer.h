#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/encoding.h"

namespace espalier {

enum class Truncation { None, LongestFirst, OnlyFirst, OnlySecond };

struct EncodeOptions {
  int64_t max_length = 0;  // special tokens counted; 0 = no limit
  Truncation truncation = Truncation::LongestFirst;
  bool add_special_tokens = true;
  bool target = false;  // a text of the target language, where that has a model of its own (Marian)
};

// Unchangeable after loading; any thread may encode.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  virtual Encoding encode(std::string_view text, const EncodeOptions& options = {}) const = 0;
  // A pair; throws InvalidInput when max_length leaves no room for a strategy that may only cut the other text.
  virtual Encoding encode_pair(std::string_view a, std::string_view b, const EncodeOptions& options = {}) const = 0;
  virtual std::string decode(const std::vector<TokenId>& ids, bool skip_special_tokens = true) const = 0;

  // The pieces of a text as strings, without special tokens: token() of their ids, but the text itself where a model
  // (Unigram) has one unknown token for any text.
  virtual std::vector<std::string> pieces(std::string_view text, const EncodeOptions& options = {}) const;

  virtual int64_t vocab_size() const = 0;
  virtual std::string token(TokenId id) const = 0;       // "##ing"; InvalidInput when out of range
  virtual TokenId id(std::string_view token) const = 0;  // unknown token's id when absent, -1 when there is none
  virtual bool is_special(TokenId id) const = 0;
  virtual TokenId pad_id() const = 0;            // 0 when there is none
  virtual TokenId mask_id() const = 0;           // -1 when there is none
  virtual int64_t model_max_length() const = 0;  // as the files say, 0 when they do not
};

// A named file in memory: what a bundle or folder holds.
struct TokenizerFile {
  std::string name;
  std::shared_ptr<const std::string> bytes;
};

// Picks by what is there, in this order: tokenizer.json; vocab.txt; vocab.json with merges.txt; source.spm with
// target.spm and vocab.json; spiece.model. All but the first read tokenizer_config.json, special_tokens_map.json and
// added_tokens.json for how text is prepared, for limits and for named tokens.
// Throws InvalidInput when there is none, Format for damage, Unsupported naming the component that is not known.
std::shared_ptr<const Tokenizer> load_tokenizer(const std::vector<TokenizerFile>& files, std::string_view where);
std::shared_ptr<const Tokenizer> load_tokenizer(const std::filesystem::path& folder);

// File names that belong to a tokenizer, for copying them along.
const std::vector<std::string>& tokenizer_file_names();

}  // namespace espalier
