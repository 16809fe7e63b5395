// ELECTRA (Clark 2020, arXiv 2003.10555): BERT with embeddings of their own width; the sentence head is a dense linear
// with GELU on the first token; the discriminator says of each token whether it was replaced.

#include <algorithm>

#include "base/json.h"
#include "model/families/bert_layers.h"
#include "model/families/config_reader.h"

namespace espalier {
namespace {

const std::vector<std::string> kPrefixes = {"electra.", ""};

bool recognises(const Json& config) { return has_model_type(config, {"electra"}); }

Architecture read_config(const Json& json, const std::vector<std::string>& tensors, const std::string& where) {
  const ConfigReader config(json, where);
  refuse_unlike_bert(config);
  Architecture a = read_encoder(config, {});
  a.family = "electra";
  const int64_t width = config.size_or("embedding_size", 128, 1, kMaxSize);
  if (width != a.hidden_size) {
    a.embedding.width = width;
    a.embedding.projection = Projection::Sum;
  }
  a.head = read_encoder_head(config, tensors, "generator_predictions.dense.weight", "classifier.dense.weight",
                             a.embedding.vocab_size);
  const bool discriminator =
      std::find(tensors.begin(), tensors.end(), "discriminator_predictions.dense.weight") != tensors.end();
  if (a.head.kind == HeadKind::None && discriminator) {
    a.head.kind = HeadKind::ReplacedToken;
    a.head.num_labels = 1;
    a.head.dense = true;
    a.head.activation = a.layers.front().ffn.activation;
  } else if (a.head.kind == HeadKind::MaskedLm) {
    a.head.width = width;
    a.head.activation = Activation::Gelu;
  } else if (is_sentence_head(a.head.kind)) {
    a.head.dense = true;
    a.head.activation = Activation::Gelu;
  }
  return a;
}

std::vector<SlotNames> slot_names(const Architecture& a, const Json&) {
  NameList names(kPrefixes);
  add_bert_body(names, a);
  if (a.embedding.projection != Projection::None) names.linear("embeddings.project", "embeddings_project");
  if (is_sentence_head(a.head.kind)) {
    names.outer_linear("head.dense", "classifier.dense");
    names.outer_linear("head.out", "classifier.out_proj");
  } else if (a.head.kind == HeadKind::ReplacedToken) {
    names.outer_linear("head.dense", "discriminator_predictions.dense");
    names.outer_linear("head.out", "discriminator_predictions.dense_prediction");
  } else if (a.head.kind == HeadKind::MaskedLm) {
    names.outer_linear("head.dense", "generator_predictions.dense");
    names.outer_norm("head.norm", "generator_predictions.LayerNorm");
    names.add({.slot = "head.out.weight",
               .checkpoint_names = {"generator_lm_head.weight"},
               .tied_to = "embeddings.word.weight"});
    names.add({.slot = "head.out.bias", .checkpoint_names = {"generator_lm_head.bias"}});
  } else {
    add_plain_head(names, a.head.kind);
  }
  return names.take();
}

bool ignorable(const std::string& name) { return is_bert_buffer(without_prefix(name, kPrefixes)); }

}  // namespace

Family electra_family() { return {"electra", recognises, read_config, slot_names, ignorable}; }

}  // namespace espalier
