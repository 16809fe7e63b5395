// T5 (Raffel 2020, arXiv 1910.10683): the norm before each block, by root mean square, no biases, scores biased by
// distance with one table a stack; feed-forward plain, or gated in version 1.1 (Shazeer 2020, arXiv 2002.05202).

#include <fmt/format.h>

#include <cmath>

#include "base/json.h"
#include "model/families/config_reader.h"
#include "model/families/name_list.h"

namespace espalier {
namespace {

bool recognises(const Json& config) { return has_model_type(config, {"t5", "mt5"}); }

FeedForwardSpec read_feed_forward(const ConfigReader& config) {
  FeedForwardSpec ffn;
  ffn.width = config.size_or("d_ff", 2048, 1, kMaxSize);
  const std::string name = config.text_or("feed_forward_proj", "relu");
  ffn.gated = name.starts_with("gated-");
  const std::string activation = ffn.gated ? name.substr(6) : name;
  // The first releases of version 1.1 say "gelu" and mean the tanh form.
  ffn.activation = config.activation_named("feed_forward_proj", name == "gated-gelu" ? "gelu_new" : activation);
  return ffn;
}

LayerSpec read_layer(const ConfigReader& config) {
  LayerSpec layer;
  layer.norm = NormPlacement::Pre;
  layer.ffn = read_feed_forward(config);
  layer.attention.head_dim = config.size_or("d_kv", 64, 1, kMaxSize);
  layer.attention.scale = 1;
  const int64_t heads = config.size_or("num_heads", 8, 1, kMaxHeads);
  for (int64_t head = 0; head < heads; ++head) layer.attention.heads.emplace_back(head);
  layer.attention.relative =
      RelativeBiasSpec{.buckets = config.size_or("relative_attention_num_buckets", 32, 4, kMaxSize),
                       .max_distance = config.size_or("relative_attention_max_distance", 128, 1, kMaxSize),
                       .heads = heads};
  if (layer.attention.relative->max_distance <= layer.attention.relative->buckets / 2) {
    config.fail("relative_attention_max_distance", layer.attention.relative->max_distance,
                fmt::format("more than half of the {} buckets", layer.attention.relative->buckets));
  }
  return layer;
}

Architecture read_config(const Json& json, const std::vector<std::string>& tensors, const std::string& where) {
  const ConfigReader config(json, where);
  config.refuse_heads({"Classification", "QuestionAnswering", "EncoderModel"}, "T5Model or T5ForConditionalGeneration");
  Architecture a;
  a.family = "t5";
  a.hidden_size = config.size("d_model", 1, kMaxSize);
  a.norm_epsilon = config.fraction_or("layer_norm_epsilon", 1e-6);
  a.hidden_dropout = config.fraction_or("dropout_rate", 0.1);
  a.attention_dropout = a.hidden_dropout;
  a.norm_kind = NormKind::Rms;
  a.biases = false;
  a.final_norm = true;
  a.embedding.vocab_size = config.size("vocab_size", 1, kMaxSize);
  a.embedding.max_positions = kAnyLength;
  a.embedding.positions = PositionKind::None;
  a.embedding.norm = false;
  a.embedding.pad_token_id = config.size_or("pad_token_id", 0, 0, a.embedding.vocab_size - 1);
  a.decoder_embedding = a.embedding;
  const LayerSpec layer = read_layer(config);
  const int64_t depth = config.size_or("num_layers", 6, 1, kMaxLayers);
  a.layers.assign(static_cast<size_t>(depth), layer);
  LayerSpec decoder = layer;
  decoder.cross = layer.attention;
  decoder.cross->relative.reset();
  decoder.attention.causal = true;
  a.decoder.assign(static_cast<size_t>(config.size_or("num_decoder_layers", depth, 1, kMaxLayers)), decoder);
  bool own_output = false;
  for (const std::string& name : tensors) own_output |= name == "lm_head.weight";
  if (own_output || config.names("ConditionalGeneration") || config.names("WithLMHead")) {
    a.head.kind = HeadKind::LanguageModel;
    a.head.num_labels = a.embedding.vocab_size;
    a.head.bias = false;
    const bool tied = config.flag_or("tie_word_embeddings", true);
    if (config.flag_or("scale_decoder_outputs", tied)) a.head.scale = 1 / std::sqrt(static_cast<double>(a.hidden_size));
  }
  return a;
}

void add_attention(NameList& names, const std::string& slot, const std::string& path, const std::string& kind) {
  names.norm(slot + "norm", path + "layer_norm", false);
  names.weight(slot + "q_proj", path + kind + ".q");
  names.weight(slot + "k_proj", path + kind + ".k");
  names.weight(slot + "v_proj", path + kind + ".v");
  names.weight(slot + "out_proj", path + kind + ".o");
}

void add_layer(NameList& names, const LayerSpec& layer, Stack stack, size_t index) {
  const std::string slot = fmt::format("{}.{}.", to_string(stack), index);
  const std::string path = fmt::format("{}.block.{}.layer.", to_string(stack), index);
  add_attention(names, slot + "attention.", path + "0.", "SelfAttention");
  names.weight(slot + "attention.relative_bias", path + "0.SelfAttention.relative_attention_bias");
  if (index > 0) names.tie(fmt::format("{}.0.attention.relative_bias.weight", to_string(stack)));
  if (layer.cross) add_attention(names, slot + "cross_attention.", path + "1.", "EncDecAttention");
  const std::string ffn = path + (layer.cross ? "2." : "1.");
  names.norm(slot + "ffn.norm", ffn + "layer_norm", false);
  names.weight(slot + "ffn.in_proj", ffn + (layer.ffn.gated ? "DenseReluDense.wi_0" : "DenseReluDense.wi"));
  if (layer.ffn.gated) names.weight(slot + "ffn.up_proj", ffn + "DenseReluDense.wi_1");
  names.weight(slot + "ffn.out_proj", ffn + "DenseReluDense.wo");
}

std::vector<SlotNames> slot_names(const Architecture& a, const Json&) {
  NameList names({""});
  names.add({.slot = "embeddings.word.weight",
             .checkpoint_names = {"shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"}});
  names.add({.slot = "decoder_embeddings.word.weight",
             .checkpoint_names = {"decoder.embed_tokens.weight"},
             .tied_to = "embeddings.word.weight"});
  for (const Stack stack : {Stack::Encoder, Stack::Decoder}) {
    const std::vector<LayerSpec>& layers = layer_specs(a, stack);
    for (size_t i = 0; i < layers.size(); ++i) add_layer(names, layers[i], stack, i);
    names.norm(std::string(to_string(stack)) + ".norm", std::string(to_string(stack)) + ".final_layer_norm", false);
  }
  if (a.head.kind == HeadKind::LanguageModel) {
    names.add({.slot = "head.out.weight",
               .checkpoint_names = {"lm_head.weight"},
               .tied_to = "decoder_embeddings.word.weight"});
  }
  return names.take();
}

// Some releases carry a table that cross-attention never read.
bool ignorable(const std::string& name) {
  return name.find("EncDecAttention.relative_attention_bias") != std::string::npos;
}

}  // namespace

Family t5_family() { return {"t5", recognises, read_config, slot_names, ignorable}; }

}  // namespace espalier
