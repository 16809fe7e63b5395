#include "measure/cost.h"

namespace espalier {
namespace {

// A recurrent decoder's scores of the encoder's rows and their weighted sum.
int64_t recurrent_attention_macs(const Architecture& a, int64_t sequence_length) {
  if (!a.recurrent_decoder || !a.recurrent_decoder->attention) return 0;
  const int64_t pairs = sequence_length * sequence_length;
  return pairs * (a.decoder.back().recurrent->output_width() + recurrent_memory_width(a));
}

int64_t stack_attention_macs(const std::vector<LayerSpec>& layers, int64_t sequence_length) {
  int64_t macs = 0;
  for (const LayerSpec& layer : layers) {
    macs += score_macs(layer.attention, sequence_length, sequence_length);
    if (layer.cross) macs += score_macs(*layer.cross, sequence_length, sequence_length);
  }
  return macs;
}

// Whether a decoder's first state comes out of it.
bool is_bridge(const Slot& slot) { return slot.name.find(".bridge.") != std::string::npos; }

}  // namespace

int64_t head_rows(HeadKind kind, int64_t sequence_length) {
  switch (kind) {
    case HeadKind::TokenClassification:
    case HeadKind::QuestionAnswering:
    case HeadKind::MaskedLm:
    case HeadKind::LanguageModel:
    case HeadKind::ReplacedToken:
      return sequence_length;
    case HeadKind::None:
    case HeadKind::Classification:
    case HeadKind::Regression:
      break;
  }
  return 1;
}

int64_t slot_macs(const Model& model, const Slot& slot, int64_t sequence_length) {
  if (slot.kind != SlotKind::Linear || !model.weights.contains(slot.name)) return 0;
  int64_t rows = sequence_length;
  if (slot.part == Part::Pooler || is_bridge(slot)) rows = 1;
  if (slot.part == Part::Head) rows = head_rows(model.architecture.head.kind, sequence_length);
  return rows * macs_per_row(model.weight(slot.name));
}

int64_t score_macs(const AttentionSpec& spec, int64_t queries, int64_t keys) {
  const int64_t pairs = spec.causal ? queries * (queries + 1) / 2 : queries * keys;
  return 2 * pairs * spec.width();
}

int64_t count_layer_macs(const Model& model, LayerIndex layer, int64_t sequence_length) {
  int64_t macs = 0;
  for (const Slot& slot : slots_of(model.architecture)) {
    if (slot.stack == Stack::Encoder && slot.layer == layer) macs += slot_macs(model, slot, sequence_length);
  }
  const LayerSpec& spec = model.architecture.layers.at(static_cast<size_t>(layer.value));
  return macs + score_macs(spec.attention, sequence_length, sequence_length);
}

int64_t count_macs(const Model& model, int64_t sequence_length) {
  const Architecture& a = model.architecture;
  int64_t macs = stack_attention_macs(a.layers, sequence_length) + stack_attention_macs(a.decoder, sequence_length) +
                 recurrent_attention_macs(a, sequence_length);
  for (const Slot& slot : slots_of(a)) macs += slot_macs(model, slot, sequence_length);
  return macs;
}

}  // namespace espalier
