// What the engine promises whatever the weights: independence of batch and threads, repeatability, refusals.

#include "engine/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "tests/engine/random_model.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

using test::difference;
using test::ModelShape;

Model int8_of(const Model& model) {
  return test::with_weights(model, [](const Slot&, const Tensor& values) {
    return quantize_symmetric(values, 8, true, ActivationRange::PerToken);
  });
}

// Largest of a row.
int64_t label_of(const Tensor& logits, int64_t row) {
  const int64_t labels = logits.size(1);
  int64_t best = 0;
  for (int64_t c = 1; c < labels; ++c) {
    if (logits.value_at(row * labels + c) > logits.value_at(row * labels + best)) best = c;
  }
  return best;
}

const std::vector<int64_t> kLengths = {17, 1, 130, 64, 3, 77, 8, 2};

TEST(Engine, ASequenceDoesNotDependOnItsBatch) {
  const Model model = test::random_model(ModelShape{}, 1);
  const PackedBatch batch = test::random_batch(model.architecture, kLengths, 2);
  for (const bool integers : {false, true}) {
    const Engine engine(integers ? int8_of(model) : model, {2});
    const Tensor together = engine.run(batch).logits;
    for (int64_t b = 0; b < batch.num_sequences(); ++b) {
      const Tensor alone = engine.run(test::sequence_of(batch, b)).logits;
      EXPECT_EQ(label_of(alone, 0), label_of(together, b));
      for (int64_t c = 0; c < alone.size(1); ++c) {
        EXPECT_NEAR(alone.value_at(c), together.value_at(b * alone.size(1) + c), integers ? 2e-2 : 1e-5);
      }
    }
  }
}

TEST(Engine, TheNumberOfThreadsChangesNothing) {
  const Model model = test::random_model(ModelShape{}, 3);
  const PackedBatch batch = test::random_batch(model.architecture, kLengths, 4);
  for (const Model& form : {model, int8_of(model)}) {
    const EngineOutput one = Engine(form, {1}).run(batch, {true, true});
    for (const int threads : {2, 3, 5}) {
      const EngineOutput many = Engine(form, {threads}).run(batch, {true, true});
      EXPECT_TRUE(bit_equal(one.logits, many.logits)) << threads;
      for (size_t l = 0; l < one.hidden_states.size(); ++l) {
        EXPECT_TRUE(bit_equal(one.hidden_states[l], many.hidden_states[l])) << threads << " threads, state " << l;
      }
    }
  }
}

TEST(Engine, TheSameCallGivesTheSameBits) {
  const Model model = int8_of(test::random_model(ModelShape{}, 5));
  const PackedBatch batch = test::random_batch(model.architecture, kLengths, 6);
  const Engine engine(model, {2});
  EXPECT_TRUE(bit_equal(engine.run(batch).logits, engine.run(batch).logits));
  EXPECT_TRUE(bit_equal(engine.run(batch).logits, Engine(model, {2}).run(batch).logits));
}

TEST(Engine, CallersMayRunAtOnce) {
  const Model model = test::random_model(ModelShape{}, 7);
  const Engine engine(model, {2});
  std::vector<PackedBatch> batches;
  std::vector<Tensor> wanted;
  for (uint64_t i = 0; i < 6; ++i) {
    batches.push_back(test::random_batch(model.architecture, {static_cast<int64_t>(5 + 19 * i), 12}, i));
    wanted.push_back(engine.run(batches.back()).logits);
  }
  std::vector<int> wrong(batches.size(), 0);
  std::vector<std::thread> callers;
  for (size_t i = 0; i < batches.size(); ++i) {
    callers.emplace_back([&, i] {
      for (int repeat = 0; repeat < 20; ++repeat) wrong[i] += !bit_equal(engine.run(batches[i]).logits, wanted[i]);
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, std::vector<int>(batches.size(), 0));
}

TEST(Engine, ReadingStatesDoesNotChangeTheLogits) {
  const Model model = test::random_model(ModelShape{}, 8);
  const PackedBatch batch = test::random_batch(model.architecture, kLengths, 9);
  const Engine engine(model, {1});
  const EngineOutput full = engine.run(batch, {true, true});
  EXPECT_LE(difference(engine.run(batch).logits, full.logits), 1e-6);
  EXPECT_TRUE(engine.run(batch).hidden_states.empty());
  ASSERT_EQ(full.hidden_states.size(), 3U);
  ASSERT_EQ(full.attentions.size(), 2U);
  ASSERT_EQ(full.attentions[1].size(), kLengths.size());
  EXPECT_EQ(full.attentions[1][2].shape(), (Shape{2, 130, 130}));
}

struct HeadCase {
  HeadKind head;
  Shape shape;
};

TEST(Engine, LogitsHaveTheShapeOfTheHead) {
  for (const auto& [head, shape] : std::vector<HeadCase>{{HeadKind::None, {2, 48}},
                                                         {HeadKind::Classification, {2, 3}},
                                                         {HeadKind::Regression, {2, 1}},
                                                         {HeadKind::TokenClassification, {14, 3}},
                                                         {HeadKind::QuestionAnswering, {14, 2}},
                                                         {HeadKind::MaskedLm, {14, 120}}}) {
    ModelShape made;
    made.head = head;
    const Model model = test::random_model(made, 10);
    const PackedBatch batch = test::random_batch(model.architecture, {9, 5}, 11);
    const Tensor fast = Engine(model).run(batch).logits;
    EXPECT_EQ(fast.shape(), shape) << to_string(head);
    EXPECT_LE(difference(fast, Engine(model, {1, KernelSet::Reference}).run(batch).logits), 1e-5) << to_string(head);
  }
}

TEST(Engine, NoHeadAndNoPoolerGivesStatesOnly) {
  Architecture architecture = test::make_architecture({.head = HeadKind::None});
  architecture.has_pooler = false;
  const Model model = test::random_model(architecture, 12);
  const EngineOutput output = Engine(model).run(test::random_batch(architecture, {9}, 13), {.hidden_states = true});
  EXPECT_FALSE(output.logits.defined());
  EXPECT_EQ(output.hidden_states.size(), 3U);
}

TEST(Engine, EveryActivationAgreesWithItsMeaning) {
  for (const Activation activation :
       {Activation::Gelu, Activation::GeluTanh, Activation::Relu, Activation::Silu, Activation::Tanh}) {
    ModelShape shape;
    shape.activation = activation;
    const Model model = test::random_model(shape, 14);
    const PackedBatch batch = test::random_batch(model.architecture, {21}, 15);
    EXPECT_LE(difference(Engine(model).run(batch).logits, Engine(model, {1, KernelSet::Reference}).run(batch).logits),
              1e-5)
        << to_string(activation);
  }
}

TEST(Engine, OddAndEmptyWidthsRun) {
  for (const auto& [hidden, head_dim, ffn, heads] :
       std::vector<std::tuple<int64_t, int64_t, int64_t, std::vector<int64_t>>>{
           {13, 7, 33, {1, 5}}, {7, 1, 1, {7}}, {33, 33, 13, {2, 1, 3}}}) {
    ModelShape shape;
    shape.hidden = hidden;
    shape.head_dim = head_dim;
    shape.ffn = ffn;
    shape.heads = heads;
    const Model model = test::random_model(shape, 16);
    const PackedBatch batch = test::random_batch(model.architecture, {3, 70, 1}, 17);
    for (const Model& form : {model, int8_of(model)}) {
      EXPECT_LE(
          difference(Engine(form, {2}).run(batch).logits, Engine(form, {1, KernelSet::Reference}).run(batch).logits),
          &form == &model ? 1e-5 : 3e-2);
    }
  }
}

class Refusals : public testing::Test {
 protected:
  Model model_ = test::random_model(ModelShape{}, 18);
  Engine engine_{model_};

  Error refused(const PackedBatch& batch) {
    const Error error = test::expect_error([&] { engine_.run(batch); });
    EXPECT_EQ(error.kind(), ErrorKind::InvalidInput);
    return error;
  }
};

TEST_F(Refusals, NameTheSequenceAndTheToken) {
  const Error error = refused({{1, 2, 3, 120}, {0, 0, 0, 0}, {0, 2, 4}});
  EXPECT_EQ(error.parts().where, "sequence 1, token 1");
  EXPECT_EQ(error.parts().got, "120");
  EXPECT_EQ(error.parts().wanted, "0 to 119");
  EXPECT_EQ(refused({{1, -1}, {0, 0}, {0, 2}}).parts().got, "-1");
}

TEST_F(Refusals, CoverEveryMalformedBatch) {
  refused({});
  refused({{}, {}, {0}});
  refused({{1, 2}, {0, 0}, {0, 0, 2}});     // empty sequence
  refused({{1, 2}, {0, 0}, {0, 2, 1, 2}});  // starts go back
  refused({{1, 2}, {0, 0}, {0, 3, 2}});     // beyond the end and back
  refused({{1, 2}, {0, 0}, {0, 1}});        // tokens left over
  refused({{1, 2}, {0, 0}, {1, 2}});        // does not begin at 0
  refused({{1, 2}, {0}, {0, 2}});           // types missing
  refused({{1, 2}, {0, 2}, {0, 2}});        // type out of range
  PackedBatch long_one{std::vector<TokenId>(161, 1), std::vector<int32_t>(161, 0), {0, 161}};
  EXPECT_EQ(refused(long_one).parts().wanted, "160 at the most");
}

TEST_F(Refusals, NegativeThreadsAndBottlenecksBehindANorm) {
  EXPECT_EQ(test::expect_error([&] { Engine(model_, {-1}); }).kind(), ErrorKind::InvalidInput);
  Architecture other = model_.architecture;
  other.layers[1].norm = NormPlacement::Pre;
  other.layers[1].bottleneck = BottleneckSpec{.width = 8};
  const Error error = test::expect_error([&] { Engine engine(test::random_model(other, 3)); });
  EXPECT_EQ(error.kind(), ErrorKind::Unsupported);
  EXPECT_EQ(error.parts().where, "encoder.1.bottleneck");
}

TEST_F(Refusals, ATargetWithoutADecoderAndTextWithoutALanguageModel) {
  const PackedBatch batch = test::random_batch(model_.architecture, {4}, 19);
  EXPECT_EQ(test::expect_error([&] { engine_.run(batch, batch); }).kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(test::expect_error([&] { engine_.generate(batch, {}); }).kind(), ErrorKind::InvalidInput);
}

TEST_F(Refusals, LeaveTheEngineUsable) {
  refused({{500}, {0}, {0, 1}});
  EXPECT_EQ(engine_.run(test::random_batch(model_.architecture, {4}, 19)).logits.shape(), (Shape{1, 3}));
}

TEST(KernelInfo, SaysWhatThisMachineOffers) {
  const KernelInfo info = kernel_info();
  EXPECT_FALSE(info.instruction_set.empty());
  EXPECT_FALSE(info.cpu_model.empty());
  EXPECT_GE(info.cores, 1);
  EXPECT_GE(Engine(test::random_model(ModelShape{}, 20)).threads(), 1);
}

}  // namespace
}  // namespace espalier
