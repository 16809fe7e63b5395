#pragma once
// Models made in code: every slot of an architecture filled with seeded random values.

#include <cstdint>
#include <functional>

#include "engine/engine.h"
#include "model/model.h"

namespace espalier::test {

struct ModelShape {
  int64_t hidden = 48;
  std::vector<int64_t> heads = {3, 2};  // a layer each
  int64_t head_dim = 16;
  int64_t ffn = 96;
  Activation activation = Activation::Gelu;
  HeadKind head = HeadKind::Classification;
  int64_t labels = 3;
  int64_t vocab = 120;
  int64_t positions = 160;
};

Architecture make_architecture(const ModelShape& shape);

// Values of a trained model's size: linears N(0, 1 / sqrt(in)), norms near 1.
Model random_model(const Architecture& architecture, uint64_t seed);
inline Model random_model(const ModelShape& shape, uint64_t seed) {
  return random_model(make_architecture(shape), seed);
}

// The model with every linear and embedding weight replaced by what `change` makes of its values.
Model with_weights(const Model& model, const std::function<Weight(const Slot&, const Tensor&)>& change);

// Sequences of these lengths with random ids and two token types.
PackedBatch random_batch(const Architecture& architecture, const std::vector<int64_t>& lengths, uint64_t seed);

// One sequence of a batch alone.
PackedBatch sequence_of(const PackedBatch& batch, int64_t index);

// Largest |a - b| over max(1, largest |b|); infinite when the shapes differ or a value is no number.
double difference(const Tensor& a, const Tensor& b);

}  // namespace espalier::test
