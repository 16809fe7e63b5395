// RoBERTa (Liu 2019, arXiv 1907.11692): BERT's layers; positions count tokens that are not padding, from the row behind
// the padding's; sentence heads have a dense linear with tanh instead of a pooler.

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "model/families/bert_layers.h"
#include "model/families/config_reader.h"

namespace espalier {
namespace {

const std::vector<std::string> kPrefixes = {"roberta.", ""};

bool recognises(const Json& config) { return has_model_type(config, {"roberta", "xlm-roberta", "camembert"}); }

Architecture read_config(const Json& json, const std::vector<std::string>& tensors, const std::string& where) {
  const ConfigReader config(json, where);
  refuse_unlike_bert(config);
  Architecture a = read_encoder(config, {});
  a.family = "roberta";
  EmbeddingSpec& embedding = a.embedding;
  embedding.pad_token_id = config.size_or("pad_token_id", 1, 0, embedding.vocab_size - 1);
  embedding.skip_padding = true;
  embedding.position_offset = embedding.pad_token_id + 1;
  embedding.max_positions -= embedding.position_offset;
  if (embedding.max_positions < 1) {
    config.fail("max_position_embeddings", embedding.max_positions + embedding.position_offset,
                fmt::format("more than pad_token_id + 1 = {}", embedding.position_offset));
  }
  a.head = read_encoder_head(config, tensors, "lm_head.dense.weight", "classifier.dense.weight", embedding.vocab_size);
  if (a.head.kind == HeadKind::MaskedLm) a.head.activation = Activation::Gelu;
  if (is_sentence_head(a.head.kind)) {
    a.head.dense = true;
    a.head.activation = Activation::Tanh;
  }
  a.has_pooler = a.head.kind == HeadKind::None && needs_pooler(a.head.kind, tensors, kPrefixes, "pooler.dense.weight");
  return a;
}

std::vector<SlotNames> slot_names(const Architecture& a, const Json&) {
  NameList names(kPrefixes);
  add_bert_body(names, a);
  if (a.has_pooler) names.linear("pooler.dense", "pooler.dense");
  if (is_sentence_head(a.head.kind)) {
    names.outer_linear("head.dense", "classifier.dense");
    names.outer_linear("head.out", "classifier.out_proj");
  } else {
    add_plain_head(names, a.head.kind);
  }
  if (a.head.kind == HeadKind::MaskedLm) {
    names.outer_linear("head.dense", "lm_head.dense");
    names.outer_norm("head.norm", "lm_head.layer_norm");
    names.add({.slot = "head.out.weight",
               .checkpoint_names = {"lm_head.decoder.weight"},
               .tied_to = "embeddings.word.weight"});
    names.add({.slot = "head.out.bias", .checkpoint_names = {"lm_head.bias", "lm_head.decoder.bias"}});
  }
  return names.take();
}

bool ignorable(const std::string& name) {
  const std::string_view body = without_prefix(name, kPrefixes);
  return is_bert_buffer(body) || body.starts_with("pooler.");
}

}  // namespace

Family roberta_family() { return {"roberta", recognises, read_config, slot_names, ignorable}; }

}  // namespace espalier
