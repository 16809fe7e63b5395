#include "measure/cost.h"

namespace espalier {
namespace {

int64_t linear_macs(const Model& model, const std::string& slot, int64_t rows) {
  return model.weights.contains(slot) ? rows * macs_per_row(model.weight(slot)) : 0;
}

// How many rows the head multiplies: one a sequence, or one a token.
int64_t head_rows(HeadKind kind, int64_t sequence_length) {
  switch (kind) {
    case HeadKind::TokenClassification:
    case HeadKind::QuestionAnswering:
    case HeadKind::MaskedLm:
      return sequence_length;
    case HeadKind::None:
    case HeadKind::Classification:
    case HeadKind::Regression:
      break;
  }
  return 1;
}

}  // namespace

int64_t count_layer_macs(const Model& model, LayerIndex layer, int64_t sequence_length) {
  int64_t macs = 0;
  for (const char* module : {"attention.q_proj", "attention.k_proj", "attention.v_proj", "attention.out_proj",
                             "ffn.in_proj", "ffn.out_proj"}) {
    macs += linear_macs(model, layer_slot(layer, module, "weight"), sequence_length);
  }
  // Scores and their weighted sum of values.
  const LayerSpec& spec = model.architecture.layers.at(static_cast<size_t>(layer.value));
  return macs + 2 * sequence_length * sequence_length * spec.attention.width();
}

int64_t count_macs(const Model& model, int64_t sequence_length) {
  int64_t macs = 0;
  for (size_t i = 0; i < model.architecture.layers.size(); ++i) {
    macs += count_layer_macs(model, LayerIndex(static_cast<int64_t>(i)), sequence_length);
  }
  for (const Slot& slot : slots_of(model.architecture)) {
    if (slot.kind != SlotKind::Linear || slot.layer) continue;
    const int64_t rows = slot.part == Part::Head ? head_rows(model.architecture.head.kind, sequence_length) : 1;
    if (slot.part == Part::Head || slot.part == Part::Pooler) macs += linear_macs(model, slot.name, rows);
  }
  return macs;
}

}  // namespace espalier
