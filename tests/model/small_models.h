#pragma once
// Models made in code, small enough for any test.

#include "base/json.h"
#include "base/rng.h"
#include "model/model.h"

namespace espalier::test {

inline Architecture bert_architecture(int64_t layers, int64_t hidden, int64_t intermediate, int64_t heads,
                                      int64_t vocab = 30522, int64_t positions = 512) {
  Architecture a;
  a.family = "bert";
  a.hidden_size = hidden;
  a.embedding = {vocab, positions, 2, 0};
  LayerSpec layer;
  for (int64_t head = 0; head < heads; ++head) layer.attention.heads.emplace_back(head);
  layer.attention.head_dim = hidden / heads;
  layer.ffn.width = intermediate;
  a.layers.assign(static_cast<size_t>(layers), layer);
  a.has_pooler = true;
  return a;
}

inline Tensor random_tensor(const Shape& shape, Rng& rng) {
  std::vector<float> values(static_cast<size_t>(num_elements(shape)));
  for (float& value : values) value = static_cast<float>(rng.normal() * 0.1);
  return Tensor::from(shape, std::move(values));
}

inline Model random_model(const Architecture& architecture, uint64_t seed = 1) {
  Rng rng(seed);
  Model model;
  model.architecture = architecture;
  for (const Slot& slot : slots_of(architecture)) model.weights.add(slot.name, Dense{random_tensor(slot.shape, rng)});
  *model.provenance = {{"name", "small"}, {"source", "made in code"}, {"steps", Json::array()}};
  return model;
}

// Two layers of 16, a classification head, and weights in every form, shared ones among them.
inline Model model_of_every_form() {
  Architecture a = bert_architecture(2, 16, 24, 4, 50, 10);
  a.head = {HeadKind::Classification, 3, {"no", "maybe", "yes"}};
  a.layers[1].attention.heads = {HeadIndex(1), HeadIndex(3)};
  Model model = random_model(a);
  Rng rng(7);
  const auto values = [&](const std::string& slot) { return materialize(model.weights.at(slot)); };
  model.weights.add("embeddings.word.weight",
                    quantize_symmetric(values("embeddings.word.weight"), 8, true, ActivationRange::Float));
  std::vector<bool> keep(24 * 16);
  for (size_t i = 0; i < keep.size(); ++i) keep[i] = rng.chance(0.3);
  model.weights.add("encoder.0.ffn.in_proj.weight", make_masked(values("encoder.0.ffn.in_proj.weight"), keep));
  model.weights.share("encoder.1.ffn.in_proj.weight", "encoder.0.ffn.in_proj.weight");
  model.weights.add("encoder.0.attention.q_proj.weight", quantize_symmetric(values("encoder.0.attention.q_proj.weight"),
                                                                            3, true, ActivationRange::PerToken));
  model.weights.add(
      "encoder.0.attention.k_proj.weight",
      LowRank{share(quantize_symmetric(random_tensor({16, 5}, rng), 5, false, ActivationRange::PerSequence)),
              share(Dense{random_tensor({5, 16}, rng).to(DType::F16)})});
  model.weights.add("encoder.0.attention.v_proj.weight",
                    Dense{values("encoder.0.attention.v_proj.weight").to(DType::BF16)});
  model.tokenizer_files = {{"vocab.txt", std::make_shared<const std::string>("[PAD]\n[UNK]\na\n")}};
  (*model.provenance)["steps"] = {{{"method", "prune.heads"}, {"settings", {{"fraction", 0.25}}}}};
  return model;
}

// Same architecture, sharing, forms and bits.
inline bool same_model(const Model& a, const Model& b) {
  if (a.architecture != b.architecture || *a.provenance != *b.provenance) return false;
  if (a.weights.slots() != b.weights.slots() || a.weights.unique_slots() != b.weights.unique_slots()) return false;
  for (const std::string& slot : a.weights.slots()) {
    if (!bit_equal(a.weights.at(slot), b.weights.at(slot))) return false;
    if (a.weights.slots_of(a.weights.handle(slot)) != b.weights.slots_of(b.weights.handle(slot))) return false;
  }
  if (a.tokenizer_files.size() != b.tokenizer_files.size()) return false;
  for (size_t i = 0; i < a.tokenizer_files.size(); ++i) {
    if (a.tokenizer_files[i].name != b.tokenizer_files[i].name) return false;
    if (*a.tokenizer_files[i].bytes != *b.tokenizer_files[i].bytes) return false;
  }
  return true;
}

}  // namespace espalier::test
