#include "measure/cost.h"

namespace espalier {
namespace {

int64_t linear_macs(const Model& model, const Slot& slot, int64_t rows) {
  return model.weights.contains(slot.name) ? rows * macs_per_row(model.weight(slot.name)) : 0;
}

// Scores and their weighted sum of values.
int64_t attention_macs(const AttentionSpec& attention, int64_t sequence_length) {
  return 2 * sequence_length * sequence_length * attention.width();
}

}  // namespace

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

int64_t count_layer_macs(const Model& model, LayerIndex layer, int64_t sequence_length) {
  int64_t macs =
      attention_macs(model.architecture.layers.at(static_cast<size_t>(layer.value)).attention, sequence_length);
  for (const Slot& slot : slots_of(model.architecture)) {
    if (slot.kind == SlotKind::Linear && slot.layer == layer) macs += linear_macs(model, slot, sequence_length);
  }
  return macs;
}

int64_t count_macs(const Model& model, int64_t sequence_length) {
  int64_t macs = 0;
  for (const LayerSpec& layer : model.architecture.layers) macs += attention_macs(layer.attention, sequence_length);
  for (const Slot& slot : slots_of(model.architecture)) {
    if (slot.kind != SlotKind::Linear) continue;
    const int64_t rows = slot.part == Part::Pooler ? 1
                         : slot.part == Part::Head ? head_rows(model.architecture.head.kind, sequence_length)
                                                   : sequence_length;
    macs += linear_macs(model, slot, rows);
  }
  return macs;
}

}  // namespace espalier
