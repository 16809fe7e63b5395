// BERT (Devlin 2019, arXiv 1810.04805) as Hugging Face folders hold it: with or without the prefix "bert.", under new
// names or the old ones of layer norms (gamma, beta).

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "model/families/family.h"

namespace espalier {
namespace {

constexpr int64_t kMaxLayers = 1024;
constexpr int64_t kMaxHeads = 4096;
constexpr int64_t kMaxSize = (int64_t{1} << 31) - 1;

// Reads members of config.json and names those at fault.
class ConfigReader {
 public:
  ConfigReader(const Json& config, const std::string& where) : config_(config), where_(where) {}

  bool has(const char* key) const { return config_.contains(key) && !config_[key].is_null(); }

  int64_t size(const char* key, int64_t least, int64_t most) const {
    const Json value = json_get<Json>(config_, key, where_);
    const bool fits = value.is_number_integer() && value.get<int64_t>() >= least && value.get<int64_t>() <= most &&
                      !(value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(kMaxSize));
    if (!fits) fail(key, value, fmt::format("a whole number from {} to {}", least, most));
    return value.get<int64_t>();
  }
  int64_t size_or(const char* key, int64_t fallback, int64_t least, int64_t most) const {
    return has(key) ? size(key, least, most) : fallback;
  }
  double fraction_or(const char* key, double fallback) const {
    if (!has(key)) return fallback;
    const Json& value = config_[key];
    if (!value.is_number() || !(value.get<double>() >= 0 && value.get<double>() <= 1)) fail(key, value, "0 to 1");
    return value.get<double>();
  }
  std::string text_or(const char* key, const std::string& fallback) const {
    return json_get_or<std::string>(config_, key, fallback, where_);
  }
  bool flag_or(const char* key, bool fallback) const { return json_get_or<bool>(config_, key, fallback, where_); }

  std::vector<std::string> architectures() const {
    return json_get_or<std::vector<std::string>>(config_, "architectures", {}, where_);
  }

  // id2label {"0": "negative", ...} by number; empty when there is none.
  std::vector<std::string> labels() const {
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

  [[noreturn]] void fail(const char* key, const Json& got, const std::string& wanted,
                         ErrorKind kind = ErrorKind::Format) const {
    throw Error(kind, {fmt::format("\"{}\" cannot be used", key), where_,
                       got.dump(-1, ' ', false, Json::error_handler_t::replace), wanted, ""});
  }

  const Json& json() const { return config_; }
  const std::string& where() const { return where_; }

 private:
  const Json& config_;
  const std::string& where_;
};

bool recognises(const Json& config) {
  if (!config.is_object()) return false;
  if (config.contains("model_type")) return config["model_type"] == "bert";
  // The first releases do not say what they are.
  return config.contains("type_vocab_size") && config.contains("hidden_size") && config.contains("intermediate_size") &&
         config.contains("num_attention_heads") && !config.contains("embedding_size");
}

Activation read_activation(const ConfigReader& config) {
  static const std::vector<std::pair<std::string, Activation>> kKnown = {
      {"gelu", Activation::Gelu},         {"gelu_python", Activation::Gelu},
      {"gelu_new", Activation::GeluTanh}, {"gelu_pytorch_tanh", Activation::GeluTanh},
      {"relu", Activation::Relu},         {"silu", Activation::Silu},
      {"swish", Activation::Silu},        {"tanh", Activation::Tanh}};
  const std::string name = config.text_or("hidden_act", "gelu");
  std::vector<std::string> names;
  for (const auto& [known, activation] : kKnown) {
    if (known == name) return activation;
    names.push_back(known);
  }
  config.fail("hidden_act", name, fmt::format("one of {}", fmt::join(names, ", ")), ErrorKind::Unsupported);
}

void refuse_unsupported(const ConfigReader& config) {
  const std::string position = config.text_or("position_embedding_type", "absolute");
  if (position != "absolute") config.fail("position_embedding_type", position, "absolute", ErrorKind::Unsupported);
  for (const char* key : {"is_decoder", "add_cross_attention"}) {
    if (config.flag_or(key, false)) config.fail(key, true, "an encoder: false", ErrorKind::Unsupported);
  }
  for (const std::string& name : config.architectures()) {
    if (name.find("MultipleChoice") != std::string::npos || name.find("NextSentence") != std::string::npos) {
      config.fail("architectures", name, "a model, or one with a classification, token, question or masked-LM head",
                  ErrorKind::Unsupported);
    }
  }
}

bool names_token_model(const ConfigReader& config) {
  const auto names = config.architectures();
  return std::any_of(names.begin(), names.end(),
                     [](const std::string& name) { return name.find("TokenClassification") != std::string::npos; });
}

HeadSpec read_head(const ConfigReader& config, const std::set<std::string>& tensors, int64_t vocab_size) {
  HeadSpec head;
  if (tensors.contains("qa_outputs.weight")) {
    head.kind = HeadKind::QuestionAnswering;
    head.num_labels = 2;
  } else if (tensors.contains("cls.predictions.transform.dense.weight")) {
    head.kind = HeadKind::MaskedLm;
    head.num_labels = vocab_size;
  } else if (tensors.contains("classifier.weight")) {
    head.labels = config.labels();
    const int64_t named = head.labels.empty() ? 2 : std::ssize(head.labels);
    head.num_labels = head.labels.empty() ? config.size_or("num_labels", named, 1, kMaxSize) : named;
    const bool regression = head.num_labels == 1 || config.text_or("problem_type", "") == "regression";
    head.kind = names_token_model(config) ? HeadKind::TokenClassification
                : regression              ? HeadKind::Regression
                                          : HeadKind::Classification;
  }
  return head;
}

Architecture read_config(const Json& json, const std::vector<std::string>& tensor_names, const std::string& where) {
  const ConfigReader config(json, where);
  refuse_unsupported(config);
  Architecture a;
  a.family = "bert";
  a.hidden_size = config.size("hidden_size", 1, kMaxSize);
  a.norm_epsilon = config.fraction_or("layer_norm_eps", 1e-12);
  a.hidden_dropout = config.fraction_or("hidden_dropout_prob", 0.1);
  a.attention_dropout = config.fraction_or("attention_probs_dropout_prob", 0.1);
  a.embedding.vocab_size = config.size("vocab_size", 1, kMaxSize);
  a.embedding.max_positions = config.size("max_position_embeddings", 1, kMaxSize);
  a.embedding.type_vocab_size = config.size_or("type_vocab_size", 2, 0, kMaxSize);
  a.embedding.pad_token_id = config.size_or("pad_token_id", 0, 0, a.embedding.vocab_size - 1);

  const int64_t num_layers = config.size("num_hidden_layers", 1, kMaxLayers);
  const int64_t num_heads = config.size("num_attention_heads", 1, kMaxHeads);
  if (a.hidden_size % num_heads != 0) {
    throw Error(ErrorKind::Format,
                {"\"hidden_size\" cannot be divided among the heads", where, fmt::format("{}", a.hidden_size),
                 fmt::format("a multiple of num_attention_heads = {}", num_heads), ""});
  }
  LayerSpec layer;
  layer.attention.head_dim = a.hidden_size / num_heads;
  for (int64_t head = 0; head < num_heads; ++head) layer.attention.heads.emplace_back(head);
  layer.ffn.width = config.size("intermediate_size", 1, kMaxSize);
  layer.ffn.activation = read_activation(config);
  a.layers.assign(static_cast<size_t>(num_layers), layer);

  const std::set<std::string> tensors(tensor_names.begin(), tensor_names.end());
  a.head = read_head(config, tensors, a.embedding.vocab_size);
  const bool pooler = tensors.contains("pooler.dense.weight") || tensors.contains("bert.pooler.dense.weight");
  // Sentence heads read the pooler; token heads do not, even where a checkpoint still carries one.
  a.has_pooler = a.head.kind == HeadKind::Classification || a.head.kind == HeadKind::Regression ||
                 (a.head.kind == HeadKind::None && pooler);
  return a;
}

// Path of a layer's module in the checkpoint.
struct ModuleName {
  const char* slot;
  const char* checkpoint;
};

constexpr ModuleName kLayerModules[] = {
    {"attention.q_proj", "attention.self.query"},
    {"attention.k_proj", "attention.self.key"},
    {"attention.v_proj", "attention.self.value"},
    {"attention.out_proj", "attention.output.dense"},
    {"attention.norm", "attention.output.LayerNorm"},
    {"ffn.in_proj", "intermediate.dense"},
    {"ffn.out_proj", "output.dense"},
    {"ffn.norm", "output.LayerNorm"},
};

class NameList {
 public:
  // `body`: inside the encoder, where names may begin with "bert.".
  void add(const std::string& slot_path, const std::string& path, bool body) {
    const bool norm = path.ends_with("LayerNorm");
    add_leaf(slot_path + ".weight", path, "weight", norm ? "gamma" : "", body);
    add_leaf(slot_path + ".bias", path, "bias", norm ? "beta" : "", body);
  }
  void add_leaf(const std::string& slot, const std::string& path, const std::string& leaf, const std::string& old_leaf,
                bool body) {
    SlotNames names{slot, {}, ""};
    for (const std::string& prefix : body ? std::vector<std::string>{"bert.", ""} : std::vector<std::string>{""}) {
      names.checkpoint_names.push_back(prefix + path + "." + leaf);
      if (!old_leaf.empty()) names.checkpoint_names.push_back(prefix + path + "." + old_leaf);
    }
    list_.push_back(std::move(names));
  }
  void add(SlotNames names) { list_.push_back(std::move(names)); }
  std::vector<SlotNames> take() { return std::move(list_); }

 private:
  std::vector<SlotNames> list_;
};

std::vector<SlotNames> slot_names(const Architecture& a) {
  NameList names;
  names.add_leaf("embeddings.word.weight", "embeddings.word_embeddings", "weight", "", true);
  names.add_leaf("embeddings.position.weight", "embeddings.position_embeddings", "weight", "", true);
  if (a.embedding.type_vocab_size > 0) {
    names.add_leaf("embeddings.type.weight", "embeddings.token_type_embeddings", "weight", "", true);
  }
  names.add("embeddings.norm", "embeddings.LayerNorm", true);
  for (size_t i = 0; i < a.layers.size(); ++i) {
    for (const ModuleName& module : kLayerModules) {
      names.add(fmt::format("encoder.{}.{}", i, module.slot), fmt::format("encoder.layer.{}.{}", i, module.checkpoint),
                true);
    }
  }
  if (a.has_pooler) names.add("pooler.dense", "pooler.dense", true);
  switch (a.head.kind) {
    case HeadKind::None:
      break;
    case HeadKind::Classification:
    case HeadKind::Regression:
    case HeadKind::TokenClassification:
      names.add("head.out", "classifier", false);
      break;
    case HeadKind::QuestionAnswering:
      names.add("head.out", "qa_outputs", false);
      break;
    case HeadKind::MaskedLm:
      names.add("head.dense", "cls.predictions.transform.dense", false);
      names.add("head.norm", "cls.predictions.transform.LayerNorm", false);
      names.add({"head.out.weight", {"cls.predictions.decoder.weight"}, "embeddings.word.weight"});
      names.add({"head.out.bias", {"cls.predictions.bias", "cls.predictions.decoder.bias"}, ""});
      break;
  }
  return names.take();
}

bool ignorable(const std::string& name) {
  const std::string_view body = name.starts_with("bert.") ? std::string_view(name).substr(5) : std::string_view(name);
  return body == "embeddings.position_ids" || body == "embeddings.token_type_ids" || body.starts_with("pooler.") ||
         body.starts_with("cls.seq_relationship.");
}

}  // namespace

Family bert_family() { return {"bert", recognises, read_config, slot_names, ignorable}; }

}  // namespace espalier
