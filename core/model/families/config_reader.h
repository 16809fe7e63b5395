#pragma once
#include <string>
#include <vector>

#include "base/error.h"
#include "model/architecture.h"

namespace espalier {

constexpr int64_t kMaxLayers = 1024;
constexpr int64_t kMaxHeads = 4096;
constexpr int64_t kMaxSize = (int64_t{1} << 31) - 1;

// Reads members of config.json and names those at fault.
class ConfigReader {
 public:
  ConfigReader(const Json& config, const std::string& where) : config_(config), where_(where) {}

  bool has(const char* key) const;

  // A whole number; throws Format beyond the bounds.
  int64_t size(const char* key, int64_t least, int64_t most) const;
  int64_t size_or(const char* key, int64_t fallback, int64_t least, int64_t most) const {
    return has(key) ? size(key, least, most) : fallback;
  }
  // A number from 0 to 1.
  double fraction_or(const char* key, double fallback) const { return real_or(key, fallback, 0, 1); }
  double real_or(const char* key, double fallback, double least, double most) const;
  std::string text_or(const char* key, const std::string& fallback) const;
  bool flag_or(const char* key, bool fallback) const;
  std::vector<std::string> architectures() const;
  // Whether any name of "architectures" holds this word.
  bool names(std::string_view word) const;
  // id2label {"0": "negative", ...} by number; empty when there is none.
  std::vector<std::string> labels() const;
  // Throws Unsupported for an activation that is not known.
  Activation activation_or(const char* key, const std::string& fallback) const;
  Activation activation_named(const char* key, const std::string& name) const;

  // Throws Unsupported when a flag is set.
  void refuse_flag(const char* key, const std::string& wanted) const;
  // Throws Unsupported when "architectures" names a head of these kinds.
  void refuse_heads(const std::vector<std::string>& words, const std::string& wanted) const;

  [[noreturn]] void fail(const char* key, const Json& got, const std::string& wanted,
                         ErrorKind kind = ErrorKind::Format) const;

 private:
  const Json& config_;
  const std::string& where_;
};

// Whether config.json says "model_type": one of these.
bool has_model_type(const Json& config, const std::vector<std::string>& types);

// Heads 0 to n - 1 of size width / n; throws Format naming `key` when n does not divide.
AttentionSpec evenly_divided(const ConfigReader& config, const char* key, int64_t width, int64_t num_heads);

// What a folder of an encoder calls its sizes. Null: the family has no such member.
struct EncoderKeys {
  const char* hidden = "hidden_size";
  const char* layers = "num_hidden_layers";
  const char* heads = "num_attention_heads";
  const char* ffn = "intermediate_size";
  const char* activation = "hidden_act";
  const char* hidden_dropout = "hidden_dropout_prob";
  const char* attention_dropout = "attention_probs_dropout_prob";
  const char* types = "type_vocab_size";
};

// Sizes, layers, embeddings and dropout; no head.
Architecture read_encoder(const ConfigReader& config, const EncoderKeys& keys);

}  // namespace espalier
