#include "model/families/bert_layers.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "model/families/config_reader.h"

namespace espalier {
namespace {

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

}  // namespace

void refuse_unlike_bert(const ConfigReader& config) {
  const std::string position = config.text_or("position_embedding_type", "absolute");
  if (position != "absolute") config.fail("position_embedding_type", position, "absolute", ErrorKind::Unsupported);
  for (const char* key : {"is_decoder", "add_cross_attention"}) config.refuse_flag(key, "an encoder: false");
  config.refuse_heads({"MultipleChoice", "NextSentence"},
                      "a model, or one with a classification, token, question or masked-LM head");
}

bool needs_pooler(HeadKind head, const std::vector<std::string>& tensors, const std::vector<std::string>& prefixes,
                  const std::string& pooler_weight) {
  if (head != HeadKind::None) return is_sentence_head(head);
  return std::any_of(prefixes.begin(), prefixes.end(), [&](const std::string& prefix) {
    return std::find(tensors.begin(), tensors.end(), prefix + pooler_weight) != tensors.end();
  });
}

void add_bert_body(NameList& names, const Architecture& a) {
  names.weight("embeddings.word", "embeddings.word_embeddings");
  names.weight("embeddings.position", "embeddings.position_embeddings");
  if (a.embedding.type_vocab_size > 0) names.weight("embeddings.type", "embeddings.token_type_embeddings");
  names.norm("embeddings.norm", "embeddings.LayerNorm");
  for (size_t i = 0; i < a.layers.size(); ++i) {
    for (const ModuleName& module : kLayerModules) {
      const std::string slot = fmt::format("encoder.{}.{}", i, module.slot);
      const std::string path = fmt::format("encoder.layer.{}.{}", i, module.checkpoint);
      slot.ends_with("norm") ? names.norm(slot, path) : names.linear(slot, path);
    }
  }
}

bool is_bert_buffer(std::string_view name) {
  return name == "embeddings.position_ids" || name == "embeddings.token_type_ids";
}

}  // namespace espalier
