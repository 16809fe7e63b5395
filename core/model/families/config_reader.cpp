#include "model/families/config_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/json.h"

namespace espalier {

bool ConfigReader::has(const char* key) const {
  return config_.is_object() && config_.contains(key) && !config_[key].is_null();
}

int64_t ConfigReader::size(const char* key, int64_t least, int64_t most) const {
  const Json value = json_get<Json>(config_, key, where_);
  const bool fits = value.is_number_integer() && value.get<int64_t>() >= least && value.get<int64_t>() <= most &&
                    !(value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(kMaxSize));
  if (!fits) fail(key, value, fmt::format("a whole number from {} to {}", least, most));
  return value.get<int64_t>();
}

double ConfigReader::real_or(const char* key, double fallback, double least, double most) const {
  if (!has(key)) return fallback;
  const Json& value = config_[key];
  if (!value.is_number() || !(value.get<double>() >= least && value.get<double>() <= most)) {
    fail(key, value, fmt::format("{} to {}", least, most));
  }
  return value.get<double>();
}

std::string ConfigReader::text_or(const char* key, const std::string& fallback) const {
  return json_get_or<std::string>(config_, key, fallback, where_);
}

bool ConfigReader::flag_or(const char* key, bool fallback) const {
  return json_get_or<bool>(config_, key, fallback, where_);
}

std::vector<std::string> ConfigReader::architectures() const {
  return json_get_or<std::vector<std::string>>(config_, "architectures", {}, where_);
}

bool ConfigReader::names(std::string_view word) const {
  const std::vector<std::string> all = architectures();
  return std::any_of(all.begin(), all.end(),
                     [&](const std::string& name) { return name.find(word) != std::string::npos; });
}

std::vector<std::string> ConfigReader::labels() const {
  if (!has("id2label")) return {};
  const Json& map = config_["id2label"];
  if (!map.is_object() || map.size() > 100'000) fail("id2label", map, "an object of names by number");
  std::vector<std::string> labels;
  for (size_t i = 0; i < map.size(); ++i) {
    const auto label = map.find(std::to_string(i));
    if (label == map.end() || !label->is_string()) {
      fail("id2label", map, fmt::format("a name for every number from 0 to {}", map.size() - 1));
    }
    labels.push_back(label->get<std::string>());
  }
  return labels;
}

Activation ConfigReader::activation_or(const char* key, const std::string& fallback) const {
  return activation_named(key, text_or(key, fallback));
}

Activation ConfigReader::activation_named(const char* key, const std::string& name) const {
  static const std::vector<std::pair<std::string, Activation>> kKnown = {
      {"gelu", Activation::Gelu},         {"gelu_python", Activation::Gelu},
      {"gelu_new", Activation::GeluTanh}, {"gelu_pytorch_tanh", Activation::GeluTanh},
      {"relu", Activation::Relu},         {"silu", Activation::Silu},
      {"swish", Activation::Silu},        {"tanh", Activation::Tanh}};
  std::vector<std::string> names;
  for (const auto& [known, activation] : kKnown) {
    if (known == name) return activation;
    names.push_back(known);
  }
  fail(key, name, fmt::format("one of {}", fmt::join(names, ", ")), ErrorKind::Unsupported);
}

void ConfigReader::refuse_flag(const char* key, const std::string& wanted) const {
  if (flag_or(key, false)) fail(key, true, wanted, ErrorKind::Unsupported);
}

void ConfigReader::refuse_heads(const std::vector<std::string>& words, const std::string& wanted) const {
  for (const std::string& name : architectures()) {
    for (const std::string& word : words) {
      if (name.find(word) != std::string::npos) fail("architectures", name, wanted, ErrorKind::Unsupported);
    }
  }
}

void ConfigReader::fail(const char* key, const Json& got, const std::string& wanted, ErrorKind kind) const {
  throw Error(kind, {fmt::format("\"{}\" cannot be used", key), where_,
                     got.dump(-1, ' ', false, Json::error_handler_t::replace), wanted, ""});
}

bool has_model_type(const Json& config, const std::vector<std::string>& types) {
  if (!config.is_object() || !config.contains("model_type")) return false;
  const Json& type = config["model_type"];
  return std::any_of(types.begin(), types.end(), [&](const std::string& known) { return type == known; });
}

AttentionSpec evenly_divided(const ConfigReader& config, const char* key, int64_t width, int64_t num_heads) {
  if (width % num_heads != 0) {
    config.fail(key, width, fmt::format("a multiple of the number of heads, {}", num_heads));
  }
  AttentionSpec attention;
  attention.head_dim = width / num_heads;
  for (int64_t head = 0; head < num_heads; ++head) attention.heads.emplace_back(head);
  return attention;
}

Architecture read_encoder(const ConfigReader& config, const EncoderKeys& keys) {
  Architecture a;
  a.hidden_size = config.size(keys.hidden, 1, kMaxSize);
  a.norm_epsilon = config.fraction_or("layer_norm_eps", 1e-12);
  a.hidden_dropout = config.fraction_or(keys.hidden_dropout, 0.1);
  a.attention_dropout = config.fraction_or(keys.attention_dropout, 0.1);
  a.embedding.vocab_size = config.size("vocab_size", 1, kMaxSize);
  a.embedding.max_positions = config.size("max_position_embeddings", 1, kMaxSize);
  a.embedding.type_vocab_size = keys.types == nullptr ? 0 : config.size_or(keys.types, 2, 0, kMaxSize);
  a.embedding.pad_token_id = config.size_or("pad_token_id", 0, 0, a.embedding.vocab_size - 1);
  LayerSpec layer;
  const int64_t num_heads = config.size(keys.heads, 1, kMaxHeads);
  if (a.hidden_size % num_heads != 0) {
    config.fail(keys.hidden, a.hidden_size, fmt::format("a multiple of {} = {}", keys.heads, num_heads));
  }
  layer.attention = evenly_divided(config, keys.hidden, a.hidden_size, num_heads);
  layer.ffn.width = config.size(keys.ffn, 1, kMaxSize);
  layer.ffn.activation = config.activation_or(keys.activation, "gelu");
  a.layers.assign(static_cast<size_t>(config.size(keys.layers, 1, kMaxLayers)), layer);
  return a;
}

}  // namespace espalier
