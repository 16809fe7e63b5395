// ALBERT (Lan 2020, arXiv 1909.11942): embeddings of their own width, and layers in groups: all layers of a group are
// the same inner layers, one set of weights.

#include <fmt/format.h>

#include <map>

#include "base/json.h"
#include "model/families/bert_layers.h"
#include "model/families/config_reader.h"

namespace espalier {
namespace {

const std::vector<std::string> kPrefixes = {"albert.", ""};

constexpr ModuleName kLayerModules[] = {
    {"attention.q_proj", "attention.query"},
    {"attention.k_proj", "attention.key"},
    {"attention.v_proj", "attention.value"},
    {"attention.out_proj", "attention.dense"},
    {"attention.norm", "attention.LayerNorm"},
    {"ffn.in_proj", "ffn"},
    {"ffn.out_proj", "ffn_output"},
    {"ffn.norm", "full_layer_layer_norm"},
};

bool recognises(const Json& config) { return has_model_type(config, {"albert"}); }

Architecture read_config(const Json& json, const std::vector<std::string>& tensors, const std::string& where) {
  const ConfigReader config(json, where);
  refuse_unlike_bert(config);
  Architecture a = read_encoder(config, {});
  a.family = "albert";
  if (!config.has("hidden_act")) {
    for (LayerSpec& layer : a.layers) layer.ffn.activation = Activation::GeluTanh;
  }
  a.hidden_dropout = config.fraction_or("hidden_dropout_prob", 0);
  a.attention_dropout = config.fraction_or("attention_probs_dropout_prob", 0);
  a.embedding.width = config.size_or("embedding_size", 128, 1, kMaxSize);
  a.embedding.projection = Projection::Sum;
  // Depth in layers of one set of weights each.
  const std::vector<LayerSpec> outer = a.layers;
  const int64_t inner = config.size_or("inner_group_num", 1, 1, kMaxLayers);
  a.layers.assign(outer.size() * static_cast<size_t>(inner), outer.front());
  a.head = read_encoder_head(config, tensors, "predictions.dense.weight", "classifier.weight", a.embedding.vocab_size);
  if (a.head.kind == HeadKind::MaskedLm) a.head.width = a.embedding.width;
  a.has_pooler = needs_pooler(a.head.kind, tensors, kPrefixes, "pooler.weight");
  config.size_or("num_hidden_groups", 1, 1, std::ssize(outer));
  return a;
}

std::vector<SlotNames> slot_names(const Architecture& a, const Json& config) {
  NameList names(kPrefixes);
  names.weight("embeddings.word", "embeddings.word_embeddings");
  names.weight("embeddings.position", "embeddings.position_embeddings");
  if (a.embedding.type_vocab_size > 0) names.weight("embeddings.type", "embeddings.token_type_embeddings");
  names.norm("embeddings.norm", "embeddings.LayerNorm");
  names.linear("embeddings.project", "encoder.embedding_hidden_mapping_in");
  const auto inner = config.value("inner_group_num", size_t{1});
  const auto groups = config.value("num_hidden_groups", size_t{1});
  const size_t outer = a.layers.size() / inner;
  std::map<std::string, size_t> first_layer;  // of each set of weights
  for (size_t i = 0; i < a.layers.size(); ++i) {
    const std::string set =
        fmt::format("encoder.albert_layer_groups.{}.albert_layers.{}.", i / inner * groups / outer, i % inner);
    for (const ModuleName& module : kLayerModules) {
      const std::string slot = fmt::format("encoder.{}.{}", i, module.slot);
      slot.ends_with("norm") ? names.norm(slot, set + module.checkpoint) : names.linear(slot, set + module.checkpoint);
    }
    const auto [first, fresh] = first_layer.try_emplace(set, i);
    if (!fresh) names.tie_all(fmt::format("encoder.{}.", i), fmt::format("encoder.{}.", first->second));
  }
  if (a.has_pooler) names.linear("pooler.dense", "pooler");
  add_plain_head(names, a.head.kind);
  if (a.head.kind == HeadKind::MaskedLm) {
    names.outer_linear("head.dense", "predictions.dense");
    names.outer_norm("head.norm", "predictions.LayerNorm");
    names.add({.slot = "head.out.weight",
               .checkpoint_names = {"predictions.decoder.weight"},
               .tied_to = "embeddings.word.weight"});
    names.add({.slot = "head.out.bias", .checkpoint_names = {"predictions.bias", "predictions.decoder.bias"}});
  }
  return names.take();
}

bool ignorable(const std::string& name) {
  const std::string_view body = without_prefix(name, kPrefixes);
  return is_bert_buffer(body) || body.starts_with("pooler.") || body.starts_with("sop_classifier.");
}

}  // namespace

Family albert_family() { return {"albert", recognises, read_config, slot_names, ignorable}; }

}  // namespace espalier
