// Engines for edited models that share packed weights, and passes that begin behind the embeddings.

#include <gtest/gtest.h>

#include "tests/engine/random_model.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

using test::ModelShape;

ModelShape four_layers(HeadKind head) {
  ModelShape shape;
  shape.heads = {3, 2, 3, 3};
  shape.head = head;
  return shape;
}

Model with_bits(Model model, const std::string& slot, int bits, ActivationRange range) {
  model.weights.replace(slot, quantize_symmetric(materialize(model.weight(slot)), bits, true, range));
  return model;
}

const std::vector<int64_t> kLengths = {17, 1, 130, 64, 3, 77, 8, 2};

TEST(EngineEdit, ARunFromAKeptStateGivesTheBitsOfARunOfEverything) {
  for (const HeadKind head : {HeadKind::Classification, HeadKind::TokenClassification}) {
    for (const auto range : {ActivationRange::Float, ActivationRange::PerToken, ActivationRange::PerSequence}) {
      const Model model = with_bits(test::random_model(four_layers(head), 1), "encoder.1.ffn.in_proj.weight", 8, range);
      const PackedBatch batch = test::random_batch(model.architecture, kLengths, 2);
      const Engine engine(model, {2});
      const std::vector<Tensor> states = engine.run(batch, {.hidden_states = true}).hidden_states;
      const Tensor whole = engine.run(batch).logits;
      for (int32_t layer = 0; layer < 4; ++layer) {
        const auto kept = states[static_cast<size_t>(layer)].values<float>();
        EXPECT_TRUE(bit_equal(engine.run_from(LayerIndex(layer), kept, batch).logits, whole)) << layer;
      }
      // Behind the last layer the head alone is left.
      EXPECT_LT(test::difference(engine.run_from(LayerIndex(4), states[4].values<float>(), batch).logits, whole), 1e-5);
    }
  }
}

TEST(EngineEdit, AnEngineForAnEditComputesWhatOneOfItsOwnDoes) {
  const Model model = test::random_model(four_layers(HeadKind::Classification), 3);
  const PackedBatch batch = test::random_batch(model.architecture, kLengths, 4);
  const Engine engine(model, {2});
  for (const char* slot : {"encoder.0.attention.q_proj.weight", "encoder.2.ffn.out_proj.weight", "pooler.dense.weight",
                           "embeddings.word.weight"}) {
    const Model edited = with_bits(model, slot, 3, ActivationRange::Float);
    const Tensor wanted = Engine(edited, {2}).run(batch).logits;
    EXPECT_FALSE(bit_equal(wanted, engine.run(batch).logits)) << slot;
    EXPECT_TRUE(bit_equal(engine.for_edit(model, edited).run(batch).logits, wanted)) << slot;
  }
}

TEST(EngineEdit, SharedWeightsThatPartAreNotTakenOver) {
  Model model = test::random_model(four_layers(HeadKind::Classification), 5);
  model.weights.share("encoder.3.ffn.in_proj.weight", "encoder.0.ffn.in_proj.weight");
  Model parted = model;
  const Tensor values = materialize(model.weight("encoder.3.ffn.in_proj.weight"));
  parted.weights.add("encoder.3.ffn.in_proj.weight", quantize_symmetric(values, 3, true, ActivationRange::Float));
  const PackedBatch batch = test::random_batch(model.architecture, kLengths, 6);
  const Engine engine(model);
  EXPECT_TRUE(bit_equal(engine.for_edit(model, parted).run(batch).logits, Engine(parted).run(batch).logits));
}

TEST(EngineEdit, StatesThatDoNotFitAreRefused) {
  const Model model = test::random_model(four_layers(HeadKind::Classification), 7);
  const PackedBatch batch = test::random_batch(model.architecture, {5, 6}, 8);
  const Engine engine(model);
  const std::vector<float> states(static_cast<size_t>(11 * model.architecture.hidden_size));
  const auto kind_of = [&](int32_t layer, std::span<const float> from) {
    return test::expect_error([&] { engine.run_from(LayerIndex(layer), from, batch); }).kind();
  };
  EXPECT_EQ(kind_of(5, states), ErrorKind::InvalidInput);
  EXPECT_EQ(kind_of(-1, states), ErrorKind::InvalidInput);
  EXPECT_EQ(kind_of(2, std::span(states).first(7)), ErrorKind::InvalidInput);
}

}  // namespace
}  // namespace espalier
