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
};

// Unchangeable after loading; any thread may encode.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  virtual Encoding encode(std::string_view text, const EncodeOptions& options = {}) const = 0;
  // A pair; throws InvalidInput when max_length leaves no room for a strategy that may only cut the other text.
  virtual Encoding encode_pair(std::string_view a, std::string_view b, const EncodeOptions& options = {}) const = 0;
  virtual std::string decode(const std::vector<TokenId>& ids, bool skip_special_tokens = true) const = 0;

  virtual int64_t vocab_size() const = 0;
  virtual std::string token(TokenId id) const = 0;       // "##ing"; InvalidInput when out of range
  virtual TokenId id(std::string_view token) const = 0;  // unknown token's id when absent
  virtual bool is_special(TokenId id) const = 0;
  virtual TokenId pad_id() const = 0;
  virtual TokenId mask_id() const = 0;           // -1 when there is none
  virtual int64_t model_max_length() const = 0;  // as the files say, 0 when they do not
};

// A named file in memory: what a bundle or folder holds.
struct TokenizerFile {
  std::string name;
  std::shared_ptr<const std::string> bytes;
};

// Picks by what is there: tokenizer.json, else vocab.txt (with tokenizer_config.json for lower-casing and limits).
// Throws Unsupported naming the component it does not know.
std::shared_ptr<const Tokenizer> load_tokenizer(const std::vector<TokenizerFile>& files, std::string_view where);
std::shared_ptr<const Tokenizer> load_tokenizer(const std::filesystem::path& folder);

// File names that belong to a tokenizer, for copying them along.
const std::vector<std::string>& tokenizer_file_names();

}  // namespace espalier
