// MobileBERT (Sun 2020, arXiv 2004.02984): layers that work in a bottleneck with several feed-forward blocks, norms
// without statistics, and words that are seen with their neighbours.

#include <fmt/format.h>

#include "base/json.h"
#include "model/families/bert_layers.h"
#include "model/families/config_reader.h"

namespace espalier {
namespace {

const std::vector<std::string> kPrefixes = {"mobilebert.", ""};
// What torch's own layer norm uses where the release passes none.
constexpr double kUnsaidEpsilon = 1e-5;

bool recognises(const Json& config) { return has_model_type(config, {"mobilebert"}); }

void read_embedding(const ConfigReader& config, Architecture& a) {
  EmbeddingSpec& embedding = a.embedding;
  embedding.width = config.size_or("embedding_size", 128, 1, a.hidden_size);
  embedding.trigram = config.flag_or("trigram_input", true);
  const bool projected = embedding.trigram || embedding.width != a.hidden_size;
  embedding.projection = projected ? Projection::Words : Projection::None;
  embedding.norm_epsilon = kUnsaidEpsilon;
}

LayerSpec read_layer(const ConfigReader& config, const Architecture& a) {
  LayerSpec layer = a.layers.front();
  const bool narrow = config.flag_or("use_bottleneck", true);
  const int64_t inner = narrow ? config.size_or("intra_bottleneck_size", 128, 1, kMaxSize) : a.hidden_size;
  layer.attention =
      evenly_divided(config, "intra_bottleneck_size", inner, config.size_or("num_attention_heads", 4, 1, kMaxHeads));
  if (narrow) {
    layer.bottleneck = BottleneckSpec{.width = inner,
                                      .shared = config.flag_or("key_query_shared_bottleneck", true),
                                      .attention = config.flag_or("use_bottleneck_attention", false)};
  }
  const int64_t blocks = config.size_or("num_feedforward_networks", 4, 1, kMaxLayers);
  layer.stacked.assign(static_cast<size_t>(blocks - 1), layer.ffn);
  layer.ffn.norm_epsilon = kUnsaidEpsilon;
  return layer;
}

Architecture read_config(const Json& json, const std::vector<std::string>& tensors, const std::string& where) {
  const ConfigReader config(json, where);
  refuse_unlike_bert(config);
  Architecture a = read_encoder(config, {});
  a.family = "mobilebert";
  const std::string norm = config.text_or("normalization_type", "no_norm");
  if (norm != "no_norm" && norm != "layer_norm") {
    config.fail("normalization_type", norm, "no_norm or layer_norm", ErrorKind::Unsupported);
  }
  a.norm_kind = norm == "no_norm" ? NormKind::Affine : NormKind::Layer;
  if (!config.has("hidden_act")) a.layers.front().ffn.activation = Activation::Relu;
  read_embedding(config, a);
  const LayerSpec layer = read_layer(config, a);
  a.layers.assign(a.layers.size(), layer);
  a.head = read_encoder_head(config, tensors, "cls.predictions.transform.dense.weight", "classifier.weight",
                             a.embedding.vocab_size);
  if (a.head.kind == HeadKind::MaskedLm) a.head.wide = true;
  // Without an activation the pooler is the first token as it is, and has no weights.
  a.has_pooler = config.flag_or("classifier_activation", true) &&
                 needs_pooler(a.head.kind, tensors, kPrefixes, "pooler.dense.weight");
  return a;
}

void add_linear_and_norm(NameList& names, const std::string& slot, const std::string& path) {
  names.linear(slot, path + ".dense");
  names.norm(slot + ".norm", path + ".LayerNorm");
}

void add_feed_forward(NameList& names, const std::string& slot, const std::string& path) {
  names.linear(slot + "in_proj", path + "intermediate.dense");
  names.linear(slot + "out_proj", path + "output.dense");
  names.norm(slot + "norm", path + "output.LayerNorm");
}

void add_layer(NameList& names, const LayerSpec& layer, size_t index) {
  const std::string slot = fmt::format("encoder.{}.", index);
  const std::string path = fmt::format("encoder.layer.{}.", index);
  if (layer.bottleneck) {
    add_linear_and_norm(names, slot + "bottleneck.input", path + "bottleneck.input");
    if (layer.bottleneck->shared) {
      add_linear_and_norm(names, slot + "bottleneck.attention", path + "bottleneck.attention");
    }
    add_linear_and_norm(names, slot + "bottleneck.output", path + "output.bottleneck");
  }
  names.linear(slot + "attention.q_proj", path + "attention.self.query");
  names.linear(slot + "attention.k_proj", path + "attention.self.key");
  names.linear(slot + "attention.v_proj", path + "attention.self.value");
  names.linear(slot + "attention.out_proj", path + "attention.output.dense");
  names.norm(slot + "attention.norm", path + "attention.output.LayerNorm");
  for (size_t i = 0; i < layer.stacked.size(); ++i) {
    add_feed_forward(names, fmt::format("{}ffn.{}.", slot, i), fmt::format("{}ffn.{}.", path, i));
  }
  add_feed_forward(names, slot + "ffn.", path);
}

std::vector<SlotNames> slot_names(const Architecture& a, const Json&) {
  NameList names(kPrefixes);
  names.weight("embeddings.word", "embeddings.word_embeddings");
  if (a.embedding.projection != Projection::None) {
    names.linear("embeddings.project", "embeddings.embedding_transformation");
  }
  names.weight("embeddings.position", "embeddings.position_embeddings");
  if (a.embedding.type_vocab_size > 0) names.weight("embeddings.type", "embeddings.token_type_embeddings");
  names.norm("embeddings.norm", "embeddings.LayerNorm");
  for (size_t i = 0; i < a.layers.size(); ++i) add_layer(names, a.layers[i], i);
  if (a.has_pooler) names.linear("pooler.dense", "pooler.dense");
  add_plain_head(names, a.head.kind);
  if (a.head.kind == HeadKind::MaskedLm) {
    names.outer_linear("head.dense", "cls.predictions.transform.dense");
    names.outer_norm("head.norm", "cls.predictions.transform.LayerNorm");
    names.add({.slot = "head.out.weight",
               .checkpoint_names = {"cls.predictions.decoder.weight"},
               .tied_to = "embeddings.word.weight"});
    names.add({.slot = "head.out.bias", .checkpoint_names = {"cls.predictions.bias", "cls.predictions.decoder.bias"}});
    if (a.embedding.width < a.hidden_size) {
      names.add(
          {.slot = "head.extra.weight", .checkpoint_names = {"cls.predictions.dense.weight"}, .transposed = true});
    }
  }
  return names.take();
}

bool ignorable(const std::string& name) {
  const std::string_view body = without_prefix(name, kPrefixes);
  return is_bert_buffer(body) || body.starts_with("pooler.") || body.starts_with("cls.seq_relationship.") ||
         (body == "cls.predictions.dense.weight");
}

}  // namespace

Family mobilebert_family() { return {"mobilebert", recognises, read_config, slot_names, ignorable}; }

}  // namespace espalier
