// Marian (Junczys-Dowmunt 2018, arXiv 1804.00344): BART's layers with fixed positions, sines before cosines, and no
// norm behind the embeddings; source and target may have vocabularies of their own.

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "model/families/bart_layers.h"
#include "model/families/config_reader.h"
#include "model/positions.h"

namespace espalier {
namespace {

const std::vector<std::string> kPrefixes = {"model.", ""};

bool recognises(const Json& config) { return has_model_type(config, {"marian"}); }

bool one_vocabulary(const Json& config) { return config.value("share_encoder_decoder_embeddings", true); }

Architecture read_config(const Json& json, const std::vector<std::string>& tensors, const std::string& where) {
  const ConfigReader config(json, where);
  Architecture a = read_encoder_decoder(config, tensors);
  a.family = "marian";
  if (a.embedding.max_positions > kMostFormulaPositions) {
    config.fail("max_position_embeddings", a.embedding.max_positions, fmt::format("at most {}", kMostFormulaPositions));
  }
  a.embedding.positions = PositionKind::SinusoidalHalves;
  a.embedding.norm = false;
  EmbeddingSpec decoder = a.embedding;
  if (!config.flag_or("share_encoder_decoder_embeddings", true)) {
    decoder.vocab_size = config.size_or("decoder_vocab_size", decoder.vocab_size, 1, kMaxSize);
    decoder.pad_token_id = std::min(decoder.pad_token_id, decoder.vocab_size - 1);
  }
  a.decoder_embedding = decoder;
  if (a.head.kind == HeadKind::LanguageModel) a.head.num_labels = decoder.vocab_size;
  return a;
}

std::vector<SlotNames> slot_names(const Architecture& a, const Json& config) {
  NameList names(kPrefixes);
  if (one_vocabulary(config)) {
    names.add({.slot = "embeddings.word.weight",
               .checkpoint_names = names.with_prefixes(
                   {"shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"})});
    names.add({.slot = "decoder_embeddings.word.weight",
               .checkpoint_names = names.with_prefixes({"decoder.embed_tokens.weight"}),
               .tied_to = "embeddings.word.weight"});
  } else {
    names.weight("embeddings.word", "encoder.embed_tokens");
    names.weight("decoder_embeddings.word", "decoder.embed_tokens");
  }
  add_encoder_decoder_layers(names, a);
  add_output(names, a);
  return names.take();
}

// Old folders carry the positions, which follow from a formula.
bool ignorable(const std::string& name) { return name.ends_with("coder.embed_positions.weight"); }

}  // namespace

Family marian_family() { return {"marian", recognises, read_config, slot_names, ignorable}; }

}  // namespace espalier
