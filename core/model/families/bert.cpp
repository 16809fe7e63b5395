// BERT (Devlin 2019, arXiv 1810.04805) as Hugging Face folders hold it: with or without the prefix "bert.", under new
// names or the old ones of layer norms (gamma, beta).

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "model/families/bert_layers.h"
#include "model/families/config_reader.h"

namespace espalier {
namespace {

const std::vector<std::string> kPrefixes = {"bert.", ""};

bool recognises(const Json& config) {
  if (!config.is_object()) return false;
  if (config.contains("model_type")) return has_model_type(config, {"bert"});
  // The first releases do not say what they are.
  return config.contains("type_vocab_size") && config.contains("hidden_size") && config.contains("intermediate_size") &&
         config.contains("num_attention_heads") && !config.contains("embedding_size");
}

Architecture read_config(const Json& json, const std::vector<std::string>& tensors, const std::string& where) {
  const ConfigReader config(json, where);
  refuse_unlike_bert(config);
  Architecture a = read_encoder(config, {});
  a.family = "bert";
  a.head = read_encoder_head(config, tensors, "cls.predictions.transform.dense.weight", "classifier.weight",
                             a.embedding.vocab_size);
  a.has_pooler = needs_pooler(a.head.kind, tensors, kPrefixes, "pooler.dense.weight");
  return a;
}

std::vector<SlotNames> slot_names(const Architecture& a, const Json&) {
  NameList names(kPrefixes);
  add_bert_body(names, a);
  if (a.has_pooler) names.linear("pooler.dense", "pooler.dense");
  add_plain_head(names, a.head.kind);
  if (a.head.kind == HeadKind::MaskedLm) {
    names.outer_linear("head.dense", "cls.predictions.transform.dense");
    names.outer_norm("head.norm", "cls.predictions.transform.LayerNorm");
    names.add({.slot = "head.out.weight",
               .checkpoint_names = {"cls.predictions.decoder.weight"},
               .tied_to = "embeddings.word.weight"});
    names.add({.slot = "head.out.bias", .checkpoint_names = {"cls.predictions.bias", "cls.predictions.decoder.bias"}});
  }
  return names.take();
}

bool ignorable(const std::string& name) {
  const std::string_view body = without_prefix(name, kPrefixes);
  return is_bert_buffer(body) || body.starts_with("pooler.") || body.starts_with("cls.seq_relationship.");
}

}  // namespace

Family bert_family() { return {"bert", recognises, read_config, slot_names, ignorable}; }

}  // namespace espalier
