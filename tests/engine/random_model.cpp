#include "tests/engine/random_model.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/rng.h"

namespace espalier::test {

Architecture make_architecture(const ModelShape& shape) {
  Architecture a;
  a.family = "bert";
  a.hidden_size = shape.hidden;
  a.embedding = {shape.vocab, shape.positions, 2, 0};
  for (const int64_t heads : shape.heads) {
    LayerSpec layer;
    for (int64_t h = 0; h < heads; ++h) layer.attention.heads.emplace_back(h);
    layer.attention.head_dim = shape.head_dim;
    layer.ffn = {shape.ffn, shape.activation};
    a.layers.push_back(layer);
  }
  a.has_pooler =
      shape.head == HeadKind::None || shape.head == HeadKind::Classification || shape.head == HeadKind::Regression;
  a.head.kind = shape.head;
  a.head.num_labels = shape.head == HeadKind::None                ? 0
                      : shape.head == HeadKind::Regression        ? 1
                      : shape.head == HeadKind::QuestionAnswering ? 2
                      : shape.head == HeadKind::MaskedLm          ? shape.vocab
                                                                  : shape.labels;
  return a;
}

Model random_model(const Architecture& architecture, uint64_t seed) {
  Model model;
  model.architecture = architecture;
  for (const Slot& slot : slots_of(architecture)) {
    Rng rng = Rng(seed).fork(slot.name);
    std::vector<float> values(static_cast<size_t>(num_elements(slot.shape)));
    double spread = 0.1;
    if (slot.kind == SlotKind::Linear) spread = 1 / std::sqrt(static_cast<double>(std::max<int64_t>(1, slot.shape[1])));
    if (slot.kind == SlotKind::Embedding) spread = 0.5;
    for (float& value : values) {
      value = static_cast<float>((slot.kind == SlotKind::NormWeight ? 1 : 0) + spread * rng.normal());
    }
    model.weights.add(slot.name, Dense{Tensor::from(slot.shape, std::move(values))});
  }
  return model;
}

Model with_weights(const Model& model, const std::function<Weight(const Slot&, const Tensor&)>& change) {
  Model changed = model;
  for (const Slot& slot : slots_of(model.architecture)) {
    if (slot.kind != SlotKind::Linear && slot.kind != SlotKind::Embedding) continue;
    changed.weights.replace(slot.name, change(slot, materialize(model.weight(slot.name))));
  }
  return changed;
}

PackedBatch random_batch(const Architecture& architecture, const std::vector<int64_t>& lengths, uint64_t seed) {
  Rng rng(seed);
  PackedBatch batch;
  batch.starts.push_back(0);
  for (const int64_t length : lengths) {
    for (int64_t i = 0; i < length; ++i) {
      batch.ids.push_back(static_cast<TokenId>(rng.below(static_cast<uint64_t>(architecture.embedding.vocab_size))));
      batch.type_ids.push_back(i * 3 > length * 2 ? 1 : 0);
    }
    batch.starts.push_back(static_cast<int32_t>(batch.ids.size()));
  }
  return batch;
}

PackedBatch sequence_of(const PackedBatch& batch, int64_t index) {
  const int32_t begin = batch.starts[static_cast<size_t>(index)];
  const int32_t end = batch.starts[static_cast<size_t>(index) + 1];
  PackedBatch alone;
  alone.ids.assign(batch.ids.begin() + begin, batch.ids.begin() + end);
  alone.type_ids.assign(batch.type_ids.begin() + begin, batch.type_ids.begin() + end);
  alone.starts = {0, end - begin};
  return alone;
}

double difference(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || !a.defined() || !b.defined()) return std::numeric_limits<double>::infinity();
  double most = 0;
  double scale = 1;
  for (int64_t i = 0; i < a.numel(); ++i) {
    const double x = a.value_at(i);
    const double y = b.value_at(i);
    if (!std::isfinite(x) || !std::isfinite(y)) return std::numeric_limits<double>::infinity();
    most = std::max(most, std::fabs(x - y));
    scale = std::max(scale, std::fabs(y));
  }
  return most / scale;
}

}  // namespace espalier::test
