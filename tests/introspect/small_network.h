#pragma once
// A small encoder with random weights and random examples for it.

#include <ATen/ATen.h>

#include "base/rng.h"
#include "data/task.h"
#include "network/network.h"

namespace espalier {

// L = 4, d = 32, A = 4, I = 64, V = 200, weights large enough that every head matters.
inline Model tiny_model(HeadKind head = HeadKind::Classification) {
  Model model;
  Architecture& a = model.architecture;
  a.family = "bert";
  a.hidden_size = 32;
  a.embedding = {.vocab_size = 200, .max_positions = 20, .type_vocab_size = 2, .pad_token_id = 0};
  LayerSpec layer;
  for (int number = 0; number < 4; ++number) layer.attention.heads.emplace_back(number);
  layer.attention.head_dim = 8;
  layer.ffn.width = 64;
  a.layers.assign(4, layer);
  a.has_pooler = true;
  a.head = {.kind = head, .num_labels = head == HeadKind::Regression ? 1 : 3, .labels = {}};
  Rng rng(11);
  for (const Slot& slot : slots_of(a)) {
    std::vector<float> values(static_cast<size_t>(num_elements(slot.shape)));
    for (float& value : values) {
      value = static_cast<float>((slot.kind == SlotKind::NormWeight ? 1.0 : 0.0) + 0.2 * rng.normal());
    }
    model.weights.add(slot.name, Dense{Tensor::from(slot.shape, std::move(values))});
  }
  return model;
}

inline EncodedDataset random_data(int64_t count, uint64_t seed = 3) {
  EncodedDataset data;
  Rng rng(seed);
  for (int64_t i = 0; i < count; ++i) {
    EncodedExample example;
    const size_t length = 3 + rng.below(9);
    for (size_t k = 0; k < length; ++k) example.encoding.ids.push_back(static_cast<TokenId>(1 + rng.below(199)));
    example.encoding.type_ids.assign(length, 0);
    example.encoding.offsets.assign(length, {0, 0});
    example.encoding.special.assign(length, false);
    example.label = static_cast<int32_t>(rng.below(3));
    example.score = rng.normal();
    data.examples.push_back(std::move(example));
  }
  return data;
}

inline void set_columns(Model& model, const std::string& slot, int64_t begin, int64_t count, float value) {
  at::Tensor values = to_torch(materialize(model.weight(slot)));
  values.narrow(1, begin, count).fill_(value);
  model.weights.replace(slot, Dense{from_torch(values)});
}

}  // namespace espalier
