#pragma once
// A small encoder and a small task, made in code.

#include "base/rng.h"
#include "data/task.h"
#include "model/model.h"
#include "train/fine_tune.h"

namespace espalier::test {

// L = 4, d = 32, A = 4, I = 64, V = 200.
inline Architecture tiny_architecture(HeadKind head, int64_t num_labels) {
  Architecture a;
  a.family = "bert";
  a.hidden_size = 32;
  a.embedding = {.vocab_size = 200, .max_positions = 20, .type_vocab_size = 2, .pad_token_id = 0};
  LayerSpec layer;
  for (int number = 0; number < 4; ++number) layer.attention.heads.emplace_back(number);
  layer.attention.head_dim = 8;
  layer.ffn.width = 64;
  a.layers.assign(4, layer);
  a.has_pooler = head == HeadKind::Classification || head == HeadKind::Regression;
  a.head = {.kind = head, .num_labels = num_labels, .labels = {}};
  return a;
}

// Sequences of 4 to 16 tokens; the label is which of two kinds of word is in the majority, the score the share of it.
inline EncodedDataset majority_task(int64_t count, uint64_t seed) {
  EncodedDataset data;
  Rng rng(seed);
  for (int64_t i = 0; i < count; ++i) {
    EncodedExample example;
    const auto length = static_cast<int64_t>(3 + 2 * rng.below(7));
    int64_t positive = 0;
    example.encoding.ids.push_back(1);
    for (int64_t k = 0; k < length; ++k) {
      const bool high = rng.chance(0.5);
      positive += high ? 1 : 0;
      example.encoding.ids.push_back(static_cast<TokenId>((high ? 100 : 10) + rng.below(20)));
    }
    example.encoding.type_ids.assign(example.encoding.ids.size(), 0);
    example.encoding.offsets.assign(example.encoding.ids.size(), {0, 0});
    example.encoding.special.assign(example.encoding.ids.size(), false);
    example.label = 2 * positive > length ? 1 : 0;
    example.score = static_cast<double>(positive) / static_cast<double>(length);
    data.examples.push_back(std::move(example));
  }
  return data;
}

inline EncodedDataset without_labels(EncodedDataset data) {
  for (EncodedExample& example : data.examples) example.label = -1;
  return data;
}

// Share of right predictions or R^2 as fine_tune sees them is in its report; this is what it should beat.
inline double majority_share(const EncodedDataset& data) {
  double ones = 0;
  for (const EncodedExample& example : data.examples) ones += example.label;
  const double share = ones / static_cast<double>(data.examples.size());
  return share > 0.5 ? share : 1 - share;
}

inline bool same_weights(const Model& a, const Model& b) {
  if (a.weights.slots() != b.weights.slots()) return false;
  for (const std::string& slot : a.weights.slots()) {
    if (!bit_equal(a.weight(slot), b.weight(slot))) return false;
  }
  return true;
}

}  // namespace espalier::test
