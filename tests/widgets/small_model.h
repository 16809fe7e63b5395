#pragma once
// A two-layer encoder with made-up values, small enough for every test, and a fake worker's answers.

#include <QTest>

#include <functional>

#include "base/rng.h"
#include "data/lab.h"
#include "jobs/runners.h"
#include "model/model.h"

namespace espalier::test {

inline Architecture smallArchitecture() {
  Architecture architecture;
  architecture.family = "bert";
  architecture.hidden_size = 16;
  architecture.embedding = {.vocab_size = 40, .max_positions = 32, .type_vocab_size = 2, .pad_token_id = 0};
  LayerSpec layer;
  layer.attention.heads = {HeadIndex(0), HeadIndex(1), HeadIndex(2), HeadIndex(3)};
  layer.attention.head_dim = 4;
  layer.ffn.width = 32;
  architecture.layers = {layer, layer};
  architecture.has_pooler = true;
  architecture.head = {.kind = HeadKind::Classification, .num_labels = 2, .labels = {"negative", "positive"}};
  return architecture;
}

// The second layer's query projection is the first's: one weight in two places.
inline Model smallModel() {
  Model model;
  model.architecture = smallArchitecture();
  Rng rng(7);
  for (const Slot& slot : slots_of(model.architecture)) {
    std::vector<float> values(static_cast<size_t>(num_elements(slot.shape)));
    for (float& value : values) value = static_cast<float>(rng.normal());
    model.weights.add(slot.name, Dense{Tensor::from(slot.shape, std::move(values))});
  }
  model.weights.share("encoder.1.attention.q_proj.weight", "encoder.0.attention.q_proj.weight");
  *model.provenance = {{"name", "small"}};
  return model;
}

// Lets events run until `done` says so; false after five seconds.
inline bool waitFor(const std::function<bool()>& done) { return QTest::qWaitFor(done, 5000); }

}  // namespace espalier::test
