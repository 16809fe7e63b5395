#pragma once
// A small encoder with random weights, made without libtorch, and encodings for it.

#include "base/rng.h"
#include "model/model.h"

namespace espalier::test {

struct TinyShape {
  int64_t layers = 2, hidden = 16, heads = 2, ffn = 32, vocab = 40, positions = 160, labels = 2;
};

inline Architecture tiny_architecture(const TinyShape& shape = {}) {
  Architecture architecture;
  architecture.family = "bert";
  architecture.hidden_size = shape.hidden;
  architecture.embedding = {shape.vocab, shape.positions, 2, 0};
  LayerSpec layer;
  for (int64_t head = 0; head < shape.heads; ++head) layer.attention.heads.emplace_back(head);
  layer.attention.head_dim = shape.hidden / shape.heads;
  layer.ffn.width = shape.ffn;
  architecture.layers.assign(static_cast<size_t>(shape.layers), layer);
  architecture.has_pooler = true;
  architecture.head = {HeadKind::Classification, shape.labels, {}};
  return architecture;
}

inline Model tiny_model(uint64_t seed = 1, const TinyShape& shape = {}) {
  Model model;
  model.architecture = tiny_architecture(shape);
  Rng rng(seed);
  for (const Slot& slot : slots_of(model.architecture)) {
    std::vector<float> values;
    for (int64_t i = 0; i < num_elements(slot.shape); ++i) {
      const bool is_norm = slot.kind == SlotKind::NormWeight;
      values.push_back(static_cast<float>((is_norm ? 1 : 0) + 0.2 * rng.normal()));
    }
    model.weights.add(slot.name, Dense{Tensor::from(slot.shape, std::move(values))});
  }
  return model;
}

inline Encoding random_encoding(Rng& rng, size_t length, uint64_t vocab = 40) {
  Encoding encoding;
  for (size_t i = 0; i < length; ++i) encoding.ids.push_back(static_cast<TokenId>(rng.below(vocab)));
  encoding.type_ids.assign(length, 0);
  encoding.offsets.assign(length, {0, 0});
  encoding.special.assign(length, false);
  return encoding;
}

}  // namespace espalier::test
