#include "model/families/bart_layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "model/families/config_reader.h"

namespace espalier {
namespace {

constexpr ModuleName kSelfAttention[] = {
    {"attention.q_proj", "self_attn.q_proj"},   {"attention.k_proj", "self_attn.k_proj"},
    {"attention.v_proj", "self_attn.v_proj"},   {"attention.out_proj", "self_attn.out_proj"},
    {"attention.norm", "self_attn_layer_norm"},
};
constexpr ModuleName kCrossAttention[] = {
    {"cross_attention.q_proj", "encoder_attn.q_proj"},   {"cross_attention.k_proj", "encoder_attn.k_proj"},
    {"cross_attention.v_proj", "encoder_attn.v_proj"},   {"cross_attention.out_proj", "encoder_attn.out_proj"},
    {"cross_attention.norm", "encoder_attn_layer_norm"},
};
constexpr ModuleName kFeedForward[] = {
    {"ffn.in_proj", "fc1"}, {"ffn.out_proj", "fc2"}, {"ffn.norm", "final_layer_norm"}};

LayerSpec read_layer(const ConfigReader& config, const std::string& stack, int64_t hidden) {
  LayerSpec layer;
  const int64_t heads = config.size_or((stack + "_attention_heads").c_str(), 16, 1, kMaxHeads);
  layer.attention = evenly_divided(config, "d_model", hidden, heads);
  layer.ffn.width = config.size_or((stack + "_ffn_dim").c_str(), 4096, 1, kMaxSize);
  layer.ffn.activation = config.activation_or("activation_function", "gelu");
  return layer;
}

size_t read_depth(const ConfigReader& config, const std::string& stack) {
  return static_cast<size_t>(config.size_or((stack + "_layers").c_str(), 12, 1, kMaxLayers));
}

template <size_t N>
void add_modules(NameList& names, const ModuleName (&modules)[N], const std::string& slot, const std::string& path) {
  for (const ModuleName& module : modules) {
    const bool norm = std::string_view(module.slot).ends_with("norm");
    norm ? names.norm(slot + module.slot, path + module.checkpoint)
         : names.linear(slot + module.slot, path + module.checkpoint);
  }
}

}  // namespace

Architecture read_encoder_decoder(const ConfigReader& config, const std::vector<std::string>& tensors) {
  config.refuse_heads({"Classification", "QuestionAnswering", "CausalLM"},
                      "a model of both stacks, or one for conditional generation");
  Architecture a;
  a.hidden_size = config.size("d_model", 1, kMaxSize);
  a.norm_epsilon = 1e-5;
  a.hidden_dropout = config.fraction_or("dropout", 0.1);
  a.attention_dropout = config.fraction_or("attention_dropout", 0);
  EmbeddingSpec& embedding = a.embedding;
  embedding.vocab_size = config.size("vocab_size", 1, kMaxSize);
  embedding.max_positions = config.size("max_position_embeddings", 1, kMaxSize - 2);
  embedding.pad_token_id = config.size_or("pad_token_id", 1, 0, embedding.vocab_size - 1);
  if (config.flag_or("scale_embedding", false)) embedding.scale = std::sqrt(static_cast<double>(a.hidden_size));
  a.decoder_embedding = embedding;
  a.layers.assign(read_depth(config, "encoder"), read_layer(config, "encoder", a.hidden_size));
  LayerSpec decoder = read_layer(config, "decoder", a.hidden_size);
  decoder.cross = decoder.attention;
  decoder.attention.causal = true;
  a.decoder.assign(read_depth(config, "decoder"), decoder);
  const bool has_bias = std::find(tensors.begin(), tensors.end(), "final_logits_bias") != tensors.end();
  if (has_bias || config.names("ConditionalGeneration") || config.names("MTModel")) {
    a.head.kind = HeadKind::LanguageModel;
    a.head.bias = has_bias;
  }
  return a;
}

void add_encoder_decoder_layers(NameList& names, const Architecture& a) {
  for (const Stack stack : {Stack::Encoder, Stack::Decoder}) {
    for (size_t i = 0; i < layer_specs(a, stack).size(); ++i) {
      const std::string slot = fmt::format("{}.{}.", to_string(stack), i);
      const std::string path = fmt::format("{}.layers.{}.", to_string(stack), i);
      add_modules(names, kSelfAttention, slot, path);
      if (stack == Stack::Decoder) add_modules(names, kCrossAttention, slot, path);
      add_modules(names, kFeedForward, slot, path);
    }
  }
}

void add_output(NameList& names, const Architecture& a) {
  if (a.head.kind != HeadKind::LanguageModel) return;
  names.add(
      {.slot = "head.out.weight", .checkpoint_names = {"lm_head.weight"}, .tied_to = "decoder_embeddings.word.weight"});
  if (a.head.bias) names.add({.slot = "head.out.bias", .checkpoint_names = {"final_logits_bias"}});
}

}  // namespace espalier
