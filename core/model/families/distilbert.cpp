// DistilBERT (Sanh 2019, arXiv 1910.01108): BERT without token types and pooler; the sentence head is a dense linear
// with ReLU on the first token.

#include <fmt/format.h>

#include "base/json.h"
#include "model/families/bert_layers.h"
#include "model/families/config_reader.h"

namespace espalier {
namespace {

const std::vector<std::string> kPrefixes = {"distilbert.", ""};

constexpr ModuleName kLayerModules[] = {
    {"attention.q_proj", "attention.q_lin"},
    {"attention.k_proj", "attention.k_lin"},
    {"attention.v_proj", "attention.v_lin"},
    {"attention.out_proj", "attention.out_lin"},
    {"attention.norm", "sa_layer_norm"},
    {"ffn.in_proj", "ffn.lin1"},
    {"ffn.out_proj", "ffn.lin2"},
    {"ffn.norm", "output_layer_norm"},
};

bool recognises(const Json& config) { return has_model_type(config, {"distilbert"}); }

Architecture read_config(const Json& json, const std::vector<std::string>& tensors, const std::string& where) {
  const ConfigReader config(json, where);
  config.refuse_heads({"MultipleChoice"}, "a model, or one with a classification, token, question or masked-LM head");
  Architecture a = read_encoder(config, {.hidden = "dim",
                                         .layers = "n_layers",
                                         .heads = "n_heads",
                                         .ffn = "hidden_dim",
                                         .activation = "activation",
                                         .hidden_dropout = "dropout",
                                         .attention_dropout = "attention_dropout",
                                         .types = nullptr});
  a.family = "distilbert";
  a.norm_epsilon = 1e-12;
  a.head =
      read_encoder_head(config, tensors, "vocab_transform.weight", "pre_classifier.weight", a.embedding.vocab_size);
  if (is_sentence_head(a.head.kind)) {
    a.head.dense = true;
    a.head.activation = Activation::Relu;
  }
  return a;
}

std::vector<SlotNames> slot_names(const Architecture& a, const Json&) {
  NameList names(kPrefixes);
  names.weight("embeddings.word", "embeddings.word_embeddings");
  names.weight("embeddings.position", "embeddings.position_embeddings");
  names.norm("embeddings.norm", "embeddings.LayerNorm");
  for (size_t i = 0; i < a.layers.size(); ++i) {
    for (const ModuleName& module : kLayerModules) {
      const std::string slot = fmt::format("encoder.{}.{}", i, module.slot);
      const std::string path = fmt::format("transformer.layer.{}.{}", i, module.checkpoint);
      slot.ends_with("norm") ? names.norm(slot, path) : names.linear(slot, path);
    }
  }
  if (is_sentence_head(a.head.kind)) names.outer_linear("head.dense", "pre_classifier");
  add_plain_head(names, a.head.kind);
  if (a.head.kind == HeadKind::MaskedLm) {
    names.outer_linear("head.dense", "vocab_transform");
    names.outer_norm("head.norm", "vocab_layer_norm");
    names.add({.slot = "head.out.weight",
               .checkpoint_names = {"vocab_projector.weight"},
               .tied_to = "embeddings.word.weight"});
    names.add({.slot = "head.out.bias", .checkpoint_names = {"vocab_projector.bias"}});
  }
  return names.take();
}

bool ignorable(const std::string& name) { return is_bert_buffer(without_prefix(name, kPrefixes)); }

}  // namespace

Family distilbert_family() { return {"distilbert", recognises, read_config, slot_names, ignorable}; }

}  // namespace espalier
