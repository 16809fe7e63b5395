#pragma once
// Recurrent models made in code, small enough for any test.

#include "base/rng.h"
#include "model/model.h"

namespace espalier::test {

inline LayerSpec recurrent_layer(Cell cell, int64_t width, bool bidirectional = false) {
  LayerSpec layer;
  layer.recurrent = RecurrentSpec{.cell = cell, .width = width, .bidirectional = bidirectional};
  return layer;
}

inline EmbeddingSpec plain_words(int64_t vocab, int64_t width) {
  EmbeddingSpec spec;
  spec.vocab_size = vocab;
  spec.max_positions = kAnyLength;
  spec.width = width;
  spec.positions = PositionKind::None;
  spec.norm = false;
  return spec;
}

inline Architecture recurrent_base(const std::vector<LayerSpec>& layers, int64_t vocab, int64_t words) {
  Architecture a;
  a.family = "recurrent";
  a.hidden_size = layers.back().recurrent->output_width();
  a.hidden_dropout = a.attention_dropout = 0;
  a.embedding = plain_words(vocab, words);
  a.layers = layers;
  return a;
}

// Words of 5, layers of 7 and 6, a projection back to the words' width so that they may be tied.
inline Architecture recurrent_lm(Cell cell, int64_t vocab = 11) {
  Architecture a = recurrent_base({recurrent_layer(cell, 7), recurrent_layer(cell, 6)}, vocab, 5);
  a.head = {.kind = HeadKind::LanguageModel,
            .num_labels = vocab,
            .dense = true,
            .activation = Activation::Identity,
            .width = 5};
  return a;
}

inline Architecture recurrent_classifier(Cell cell, Pooling pooling) {
  Architecture a = recurrent_base({recurrent_layer(cell, 4, true), recurrent_layer(cell, 3, true)}, 11, 5);
  a.head = {
      .kind = HeadKind::Classification, .num_labels = 3, .dense = true, .activation = Activation::Relu, .width = 8};
  a.head.pooling = pooling;
  return a;
}

// A bidirectional encoder of 2 x 4, a decoder of 5 behind a bridge.
inline Architecture recurrent_translator(Cell cell, const RecurrentDecoderSpec& spec = {.bridge = true}) {
  Architecture a = recurrent_base({recurrent_layer(cell, 4, true), recurrent_layer(cell, 4, true)}, 11, 5);
  const int64_t width = spec.bridge ? 5 : 8;
  a.decoder = {recurrent_layer(cell, width), recurrent_layer(cell, width)};
  a.hidden_size = spec.attention ? 6 : width;
  a.decoder_embedding = plain_words(9, 4);
  a.recurrent_decoder = spec;
  a.head = {.kind = HeadKind::LanguageModel, .num_labels = 9};
  return a;
}

// Large enough values that gates leave their linear part.
inline Model lively_model(const Architecture& architecture, uint64_t seed = 1) {
  Rng rng(seed);
  Model model;
  model.architecture = architecture;
  for (const Slot& slot : slots_of(architecture)) {
    std::vector<float> values(static_cast<size_t>(num_elements(slot.shape)));
    for (float& value : values) value = static_cast<float>(0.5 * rng.normal());
    model.weights.add(slot.name, Dense{Tensor::from(slot.shape, std::move(values))});
  }
  return model;
}

}  // namespace espalier::test
