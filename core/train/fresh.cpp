// Fresh weights: normal with standard deviation 0.02 (Devlin 2019), norms 1, biases 0; recurrent models have their own.

#include "base/error.h"
#include "base/rng.h"
#include "train/fine_tune.h"
#include "train/recurrent_init.h"

namespace espalier {
namespace {

constexpr double kStandardDeviation = 0.02;

Tensor fresh_values(const Architecture& architecture, const Slot& slot, const Rng& seed) {
  if (std::optional<Tensor> recurrent = fresh_recurrent_values(architecture, slot, seed)) return *recurrent;
  std::vector<float> values(static_cast<size_t>(num_elements(slot.shape)),
                            slot.kind == SlotKind::NormWeight ? 1.F : 0.F);
  if (slot.kind == SlotKind::Linear || slot.kind == SlotKind::Embedding) {
    // A generator a slot: the values of one do not depend on what else the model has.
    Rng rng = seed.fork(slot.name);
    for (float& value : values) value = static_cast<float>(kStandardDeviation * rng.normal());
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

Model fresh_model(const Architecture& architecture, uint64_t seed) {
  Model model;
  model.architecture = architecture;
  model.provenance["name"] = "fresh " + architecture.family;
  const Rng rng(seed);
  check_recurrent(architecture, "a fresh model");
  for (const Slot& slot : slots_of(architecture)) {
    const std::string words = word_slot(architecture, slot);
    if (!words.empty() && shape_of(model.weight(words)) == slot.shape) {
      model.weights.share(slot.name, words);
    } else {
      model.weights.add(slot.name, Dense{fresh_values(architecture, slot, rng)});
    }
  }
  return model;
}

Model with_task_head(const Model& model, const Task& task, uint64_t seed) {
  const bool regression = task.kind == TaskKind::Regression;
  const HeadKind wanted = regression ? HeadKind::Regression : HeadKind::Classification;
  const int64_t labels = regression ? 1 : static_cast<int64_t>(task.labels.size());
  if (!regression && labels < 2) {
    throw Error(ErrorKind::InvalidInput, {.what = "a classification task needs at least two labels",
                                          .where = task.name,
                                          .got = std::to_string(labels),
                                          .wanted = "2 or more",
                                          .next = "choose the label column of the task"});
  }
  Model result = model;
  if (model.architecture.head.kind == wanted && model.architecture.head.num_labels == labels) {
    if (result.architecture.head.labels.empty()) result.architecture.head.labels = task.labels;
    return result;
  }
  const bool recurrent = model.architecture.is_recurrent() && !model.architecture.has_decoder();
  if (!recurrent && (model.architecture.has_decoder() || model.architecture.is_causal())) {
    throw Error(ErrorKind::Unsupported, {.what = "a task's head stands on an encoder",
                                         .where = display_name(model),
                                         .got = "a model that reads left to right or has a decoder",
                                         .wanted = "an encoder",
                                         .next = "choose another model"});
  }
  Architecture& architecture = result.architecture;
  const bool had_pooler = architecture.has_pooler;
  const HeadSpec before = architecture.head;
  architecture.head = {.kind = wanted, .num_labels = labels, .labels = task.labels};
  if (recurrent) {
    // What stands before the last linear is a part of the design (Tang 2019), the number of labels is not.
    const bool pooled = before.pooling != Pooling::FirstToken;
    if (pooled) architecture.head = before;
    architecture.head.kind = wanted;
    architecture.head.num_labels = labels;
    architecture.head.labels = task.labels;
    if (!pooled) architecture.head.pooling = Pooling::LastStates;
  }
  architecture.has_pooler = !recurrent;
  for (const std::string& slot : model.weights.slots()) {
    if (slot.starts_with("head.")) result.weights.remove(slot);
  }
  const Rng rng(seed);
  for (const Slot& slot : slots_of(architecture)) {
    if (slot.part == Part::Head || (slot.part == Part::Pooler && !had_pooler)) {
      result.weights.add(slot.name, Dense{fresh_values(architecture, slot, rng)});
    }
  }
  return result;
}

}  // namespace espalier
