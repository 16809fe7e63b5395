// GPT-2 (Radford 2019): causal layers with the norm before each block; linears lie as (in, out), and queries, keys and
// values in one of them.

#include <fmt/format.h>

#include "base/json.h"
#include "model/families/config_reader.h"
#include "model/families/name_list.h"

namespace espalier {
namespace {

const std::vector<std::string> kPrefixes = {"transformer.", ""};

bool recognises(const Json& config) { return has_model_type(config, {"gpt2"}); }

Architecture read_config(const Json& json, const std::vector<std::string>& tensors, const std::string& where) {
  const ConfigReader config(json, where);
  config.refuse_flag("add_cross_attention", "a decoder alone: false");
  config.refuse_heads({"Classification", "DoubleHeads", "QuestionAnswering"}, "GPT2Model or GPT2LMHeadModel");
  Architecture a;
  a.family = "gpt2";
  a.hidden_size = config.size_or("n_embd", 768, 1, kMaxSize);
  a.norm_epsilon = config.fraction_or("layer_norm_epsilon", 1e-5);
  a.hidden_dropout = config.fraction_or("resid_pdrop", 0.1);
  a.attention_dropout = config.fraction_or("attn_pdrop", 0.1);
  a.final_norm = true;
  a.embedding.vocab_size = config.size("vocab_size", 1, kMaxSize);
  a.embedding.max_positions = config.size_or("n_positions", 1024, 1, kMaxSize);
  a.embedding.norm = false;
  // No token is padding by itself; the mask says which are.
  a.embedding.pad_token_id = config.size_or("pad_token_id", 0, 0, a.embedding.vocab_size - 1);
  LayerSpec layer;
  layer.norm = NormPlacement::Pre;
  layer.attention = evenly_divided(config, "n_embd", a.hidden_size, config.size_or("n_head", 12, 1, kMaxHeads));
  layer.attention.causal = true;
  layer.ffn.width = config.size_or("n_inner", 4 * a.hidden_size, 1, kMaxSize);
  layer.ffn.activation = config.activation_or("activation_function", "gelu_new");
  const bool scaled = config.flag_or("scale_attn_weights", true);
  const bool by_depth = config.flag_or("scale_attn_by_inverse_layer_idx", false);
  const int64_t depth = config.size_or("n_layer", 12, 1, kMaxLayers);
  for (int64_t i = 0; i < depth; ++i) {
    if (!scaled || by_depth) {
      layer.attention.scale = 0;
      const double usual = scaled ? layer.attention.score_scale() : 1;
      layer.attention.scale = usual / static_cast<double>(by_depth ? i + 1 : 1);
    }
    a.layers.push_back(layer);
  }
  // The tied output layer is not in the file: the folder's name for the model tells, else the prefix of a whole one.
  bool own_output = false, prefixed = false;
  for (const std::string& name : tensors) {
    own_output |= name == "lm_head.weight";
    prefixed |= name.starts_with(kPrefixes.front());
  }
  if (own_output || (config.architectures().empty() ? prefixed : config.names("LMHead"))) {
    a.head.kind = HeadKind::LanguageModel;
    a.head.num_labels = a.embedding.vocab_size;
    a.head.bias = false;
  }
  return a;
}

void add_layer(NameList& names, size_t index) {
  const std::string slot = fmt::format("encoder.{}.", index);
  const std::string path = fmt::format("h.{}.", index);
  const auto linear = [&](const std::string& module, const std::string& checkpoint, int64_t part, int64_t parts) {
    for (const std::string leaf : {".weight", ".bias"}) {
      names.add({.slot = slot + module + leaf,
                 .checkpoint_names = names.with_prefixes({path + checkpoint + leaf}),
                 .transposed = true,
                 .part = part,
                 .parts = parts});
    }
  };
  names.norm(slot + "attention.norm", path + "ln_1");
  linear("attention.q_proj", "attn.c_attn", 0, 3);
  linear("attention.k_proj", "attn.c_attn", 1, 3);
  linear("attention.v_proj", "attn.c_attn", 2, 3);
  linear("attention.out_proj", "attn.c_proj", 0, 1);
  names.norm(slot + "ffn.norm", path + "ln_2");
  linear("ffn.in_proj", "mlp.c_fc", 0, 1);
  linear("ffn.out_proj", "mlp.c_proj", 0, 1);
}

std::vector<SlotNames> slot_names(const Architecture& a, const Json&) {
  NameList names(kPrefixes);
  names.weight("embeddings.word", "wte");
  names.weight("embeddings.position", "wpe");
  for (size_t i = 0; i < a.layers.size(); ++i) add_layer(names, i);
  names.norm("encoder.norm", "ln_f");
  if (a.head.kind == HeadKind::LanguageModel) {
    names.add({.slot = "head.out.weight", .checkpoint_names = {"lm_head.weight"}, .tied_to = "embeddings.word.weight"});
  }
  return names.take();
}

// The causal masks that old folders carry.
bool ignorable(const std::string& name) { return name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias"); }

}  // namespace

Family gpt2_family() { return {"gpt2", recognises, read_config, slot_names, ignorable}; }

}  // namespace espalier
