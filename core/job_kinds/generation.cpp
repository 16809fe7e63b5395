#include "job_kinds/generation.h"

#include <algorithm>
#include <optional>

#include "base/error.h"

namespace espalier {
namespace {

// What tokenizers call the end of a text.
constexpr const char* kEndTokens[] = {"</s>", "[SEP]", "<eos>", "[EOS]", "<|endoftext|>", "<end>"};

std::optional<TokenId> end_token(const Tokenizer& tokenizer) {
  const Encoding sample = tokenizer.encode("a", {.target = true});
  if (sample.size() > 0 && sample.special.back()) return sample.ids.back();
  for (const char* name : kEndTokens) {
    const TokenId id = tokenizer.id(name);
    if (id >= 0 && tokenizer.token(id) == name) return id;
  }
  return std::nullopt;
}

}  // namespace

GenerationSpec generation_of(const Model& model, const Tokenizer& tokenizer, int64_t max_target_length) {
  GenerationSpec spec;
  spec.max_length = max_target_length + 1;  // the start token counts
  if (model.architecture.generation) spec = *model.architecture.generation;
  const std::optional<TokenId> end = end_token(tokenizer);
  if (spec.eos.empty() && !end) {
    throw Error(ErrorKind::InvalidInput,
                {.what = "neither the model nor its tokenizer says how a text ends",
                 .where = display_name(model),
                 .got = {},
                 .wanted = "a generation_config.json, or a token such as </s> in the vocabulary",
                 .next = {}});
  }
  if (spec.eos.empty()) spec.eos = {*end};
  if (spec.decoder_start < 0) spec.decoder_start = tokenizer.pad_id();
  if (spec.pad < 0) spec.pad = tokenizer.pad_id();
  return spec;
}

void end_targets(EncodedTranslationDataset& data, const GenerationSpec& spec, int64_t max_target_length) {
  if (spec.eos.empty()) return;
  for (EncodedTranslation& pair : data.examples) {
    Encoding& target = pair.target;
    const bool ended = target.size() > 0 && std::ranges::find(spec.eos, target.ids.back()) != spec.eos.end();
    if (ended) continue;
    if (std::ssize(target.ids) >= max_target_length) {
      target.ids.pop_back();
      target.type_ids.pop_back();
      target.offsets.pop_back();
      target.special.pop_back();
    }
    target.ids.push_back(static_cast<TokenId>(spec.eos.front()));
    target.type_ids.push_back(0);
    target.offsets.emplace_back(0, 0);
    target.special.push_back(true);
  }
}

}  // namespace espalier
