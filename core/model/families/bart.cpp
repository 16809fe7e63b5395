// BART (Lewis 2020, arXiv 1910.13461): learned positions that begin at the third row, a norm behind each embedding, the
// norm after each block, one vocabulary for both stacks.

#include "base/json.h"
#include "model/families/bart_layers.h"
#include "model/families/config_reader.h"

namespace espalier {
namespace {

const std::vector<std::string> kPrefixes = {"model.", ""};
constexpr int64_t kPositionOffset = 2;

bool recognises(const Json& config) { return has_model_type(config, {"bart"}); }

Architecture read_config(const Json& json, const std::vector<std::string>& tensors, const std::string& where) {
  const ConfigReader config(json, where);
  Architecture a = read_encoder_decoder(config, tensors);
  a.family = "bart";
  a.embedding.position_offset = kPositionOffset;
  a.decoder_embedding = a.embedding;
  if (a.head.kind == HeadKind::LanguageModel) a.head.num_labels = a.embedding.vocab_size;
  return a;
}

std::vector<SlotNames> slot_names(const Architecture& a, const Json&) {
  NameList names(kPrefixes);
  names.add({.slot = "embeddings.word.weight",
             .checkpoint_names =
                 names.with_prefixes({"shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"})});
  names.weight("embeddings.position", "encoder.embed_positions");
  names.norm("embeddings.norm", "encoder.layernorm_embedding");
  names.add({.slot = "decoder_embeddings.word.weight",
             .checkpoint_names = names.with_prefixes({"decoder.embed_tokens.weight"}),
             .tied_to = "embeddings.word.weight"});
  names.weight("decoder_embeddings.position", "decoder.embed_positions");
  names.norm("decoder_embeddings.norm", "decoder.layernorm_embedding");
  add_encoder_decoder_layers(names, a);
  add_output(names, a);
  return names.take();
}

bool ignorable(const std::string&) { return false; }

}  // namespace

Family bart_family() { return {"bart", recognises, read_config, slot_names, ignorable}; }

}  // namespace espalier
