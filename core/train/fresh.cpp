// Fresh weights: normal with standard deviation 0.02 (Devlin 2019), norms 1, biases 0. Words whose rows are multiplied
// by a scale have the deviation 1 / scale (Vaswani 2017: hidden size ^ -0.5), as large as their positions. Recurrent
// models have their own.

#include "train/fresh.h"
#include "base/json.h"
#include "base/rng.h"
#include "train/fine_tune.h"
#include "train/recurrent_init.h"

namespace espalier {
namespace {

constexpr double kStandardDeviation = 0.02;

double standard_deviation(const Architecture& architecture, const Slot& slot) {
  if (slot.module != "word") return kStandardDeviation;
  const double scale = embedding_spec(architecture, slot.stack).scale;
  return scale > 1 ? 1 / scale : kStandardDeviation;
}

Tensor fresh_values(const Architecture& architecture, const Slot& slot, const Rng& seed) {
  if (std::optional<Tensor> recurrent = fresh_recurrent_values(architecture, slot, seed)) return *recurrent;
  std::vector<float> values(static_cast<size_t>(num_elements(slot.shape)),
                            slot.kind == SlotKind::NormWeight ? 1.F : 0.F);
  if (slot.kind == SlotKind::Linear || slot.kind == SlotKind::Embedding) {
    // A generator a slot: the values of one do not depend on what else the model has.
    Rng rng = seed.fork(slot.name);
    const double deviation = standard_deviation(architecture, slot);
    for (float& value : values) value = static_cast<float>(deviation * rng.normal());
  }
  return Tensor::from(slot.shape, std::move(values));
}

// The word embeddings that a fresh output layer reuses (Press 2017, arXiv 1608.05859); empty for other slots.
std::string word_slot(const Architecture& architecture, const Slot& slot) {
  const HeadKind kind = architecture.head.kind;
  const bool writes_words = kind == HeadKind::MaskedLm || kind == HeadKind::LanguageModel;
  if (!writes_words || slot.name != "head.out.weight") return "";
  return std::string(embeddings_of(architecture.has_decoder() ? Stack::Decoder : Stack::Encoder)) + ".word.weight";
}

}  // namespace

void add_fresh_weight(Model& model, const Slot& slot, const Rng& seed) {
  const std::string words = word_slot(model.architecture, slot);
  if (!words.empty() && shape_of(model.weight(words)) == slot.shape) {
    model.weights.share(slot.name, words);
  } else {
    model.weights.add(slot.name, Dense{fresh_values(model.architecture, slot, seed)});
  }
}

Model fresh_model(const Architecture& architecture, uint64_t seed) {
  Model model;
  model.architecture = architecture;
  (*model.provenance)["name"] = "fresh " + architecture.family;
  const Rng rng(seed);
  check_recurrent(architecture, "a fresh model");
  for (const Slot& slot : slots_of(architecture)) add_fresh_weight(model, slot, rng);
  return model;
}

}  // namespace espalier
