// Every stored form of a weight: fast against plain kernels, and against the dense values the form stands for.

#include <gtest/gtest.h>

#include <algorithm>

#include "base/rng.h"
#include "engine/kernels/kernels.h"
#include "tests/engine/random_model.h"

namespace espalier {
namespace {

using test::difference;
using test::ModelShape;

Weight low_rank(const Tensor& values, int64_t rank, const std::function<Weight(const Tensor&)>& leaf) {
  const Shape shape = values.shape();
  Rng rng(static_cast<uint64_t>(shape[0] * 1000 + shape[1]));
  const auto random = [&](Shape of, double spread) {
    std::vector<float> made(static_cast<size_t>(num_elements(of)));
    for (float& value : made) value = static_cast<float>(spread * rng.normal());
    return Tensor::from(of, std::move(made));
  };
  return LowRank{share(leaf(random({shape[0], rank}, 0.4))), share(leaf(random({rank, shape[1]}, 0.15)))};
}

Weight half_masked(const Tensor& values) {
  std::vector<bool> keep(static_cast<size_t>(values.numel()));
  for (size_t i = 0; i < keep.size(); ++i) keep[i] = i % 3 != 0;
  return make_masked(values, keep);
}

// One in six is kept: in blocks of eight rows by four columns, or anywhere.
Weight mostly_masked(const Tensor& values, bool blocks) {
  const auto width = static_cast<size_t>(values.size(1));
  std::vector<bool> keep(static_cast<size_t>(values.numel()));
  for (size_t i = 0; i < keep.size(); ++i) {
    keep[i] = (blocks ? i / width / 8 + i % width / 4 : i * 7 + i / 11) % 6 == 0;
  }
  return make_masked(values, keep);
}

struct Form {
  std::string name;
  std::function<Weight(const Slot&, const Tensor&)> make;
  bool integers = false;  // quantizes its input
};

std::vector<Form> forms() {
  const auto quantized = [](int bits, bool per_row, ActivationRange range) {
    return [=](const Slot&, const Tensor& values) { return quantize_symmetric(values, bits, per_row, range); };
  };
  const auto dense = [](const Tensor& values) -> Weight { return Dense{values}; };
  const auto int8 = [](const Tensor& values) { return quantize_symmetric(values, 8, true, ActivationRange::PerToken); };
  const auto int8_sequence = [](const Tensor& values) {
    return quantize_symmetric(values, 8, true, ActivationRange::PerSequence);
  };
  return {
      {"dense", [](const Slot&, const Tensor& v) -> Weight { return Dense{v}; }},
      {"half", [](const Slot&, const Tensor& v) -> Weight { return Dense{v.to(DType::F16)}; }},
      {"brain", [](const Slot&, const Tensor& v) -> Weight { return Dense{v.to(DType::BF16)}; }},
      {"double_", [](const Slot&, const Tensor& v) -> Weight { return Dense{v.to(DType::F64)}; }},
      {"masked", [](const Slot&, const Tensor& v) { return half_masked(v); }},
      {"mostly_masked", [](const Slot&, const Tensor& v) { return mostly_masked(v, false); }},
      {"masked_in_blocks", [](const Slot&, const Tensor& v) { return mostly_masked(v, true); }},
      {"masks_that_do_not_join",
       [](const Slot& slot, const Tensor& v) {
         return slot.module == "k_proj" ? half_masked(v) : mostly_masked(v, false);
       }},
      {"low_rank", [=](const Slot&, const Tensor& v) { return low_rank(v, 5, dense); }},
      {"decoded", quantized(8, true, ActivationRange::Float)},
      {"decoded_four_bits", quantized(4, true, ActivationRange::Float)},
      {"int8_token", quantized(8, true, ActivationRange::PerToken), true},
      {"int8_sequence", quantized(8, true, ActivationRange::PerSequence), true},
      {"int8_one_scale", quantized(8, false, ActivationRange::PerToken), true},
      {"four_bits", quantized(4, true, ActivationRange::PerToken), true},
      {"three_bits_sequence", quantized(3, true, ActivationRange::PerSequence), true},
      {"decoded_three_bits", quantized(3, false, ActivationRange::Float)},
      {"bits_that_do_not_join",
       [=](const Slot& slot, const Tensor& v) {
         return quantize_symmetric(v, slot.module == "k_proj" ? 6 : 4, true, ActivationRange::PerToken);
       },
       true},
      {"low_rank_int8", [=](const Slot&, const Tensor& v) { return low_rank(v, 7, int8); }, true},
      {"low_rank_decoded",
       [=](const Slot&, const Tensor& v) {
         return low_rank(v, 7, [](const Tensor& f) { return quantize_symmetric(f, 5, true, ActivationRange::Float); });
       }},
      {"low_rank_sequence", [=](const Slot&, const Tensor& v) { return low_rank(v, 7, int8_sequence); }, true},
      {"mixed",
       [=](const Slot& slot, const Tensor& v) -> Weight {
         if (slot.module == "q_proj") return int8(v);
         if (slot.module == "k_proj") return low_rank(v, 6, int8_sequence);
         if (slot.module == "in_proj") return half_masked(v);
         return Dense{v};
       },
       true},
  };
}

class Forms : public testing::TestWithParam<Form> {
 protected:
  static Model model() {
    ModelShape shape;
    shape.heads = {3, 1};
    shape.head_dim = 13;
    shape.ffn = 33;
    shape.hidden = 39;
    return test::with_weights(test::random_model(shape, 5), GetParam().make);
  }
};

TEST_P(Forms, FastAgreesWithPlain) {
  const Model made = model();
  const PackedBatch batch = test::random_batch(made.architecture, {5, 1, 90, 33}, 1);
  const EngineOutput wanted = Engine(made, {1, KernelSet::Reference}).run(batch, {true, true});
  for (const KernelSet set : {KernelSet::Best, KernelSet::Vector, KernelSet::Avx2}) {
    for (const int threads : {1, 2, 3}) {
      const Engine engine(made, {threads, set});
      const EngineOutput got = engine.run(batch, {true, true});
      // A code that falls the other way at a tie moves an output by a step of its scale; more of them do so where
      // attention is rounded to bfloat16.
      const double bound = !GetParam().integers ? 1e-5 : kernels::processor().bfloat16 ? 5e-2 : 2e-2;
      EXPECT_LE(difference(got.logits, wanted.logits), bound);
      for (size_t l = 0; l < got.hidden_states.size(); ++l) {
        EXPECT_LE(difference(got.hidden_states[l], wanted.hidden_states[l]), bound) << l;
        for (size_t b = 0; l < got.attentions.size() && b < got.attentions[l].size(); ++b) {
          EXPECT_LE(difference(got.attentions[l][b], wanted.attentions[l][b]), bound);
        }
      }
    }
  }
}

TEST_P(Forms, AgreesWithTheDenseValuesItStandsFor) {
  const Model made = model();
  const PackedBatch batch = test::random_batch(made.architecture, {20, 3}, 2);
  const Tensor got = Engine(made).run(batch).logits;
  const Tensor dense = Engine(materialized(made)).run(batch).logits;
  // With a quantized input only to the precision of 8 bits through two layers.
  EXPECT_LE(difference(got, dense), GetParam().integers ? 0.15 : 1e-5);
}

TEST_P(Forms, PlanNamesEveryPlaceAndItsBytes) {
  const Engine engine(model());
  const std::vector<PlanEntry> plan = engine.plan();
  for (const std::string slot :
       {"embeddings.word", "encoder.1.attention.out_proj", "encoder.0.ffn.in_proj", "pooler.dense", "head.out"}) {
    const auto found = std::find_if(plan.begin(), plan.end(), [&](const PlanEntry& e) { return e.slot == slot; });
    ASSERT_NE(found, plan.end()) << slot;
    EXPECT_FALSE(found->kernel.empty());
    EXPECT_TRUE(slot == "embeddings.word" || found->resident_bytes > 0) << slot;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Forms, testing::ValuesIn(forms()), [](const auto& form) { return form.param.name; });

TEST(Int8, ASingleLayerAgreesWithItsPlainMeaningToRounding) {
  // One linear alone has no codes to flip but its own input's, which are the same: the sums are exact.
  ModelShape shape;
  shape.heads = {};
  const Model made = test::with_weights(test::random_model(shape, 6), [](const Slot&, const Tensor& values) {
    return quantize_symmetric(values, 8, true, ActivationRange::PerToken);
  });
  const PackedBatch batch = test::random_batch(made.architecture, {4, 9, 2}, 3);
  const Tensor wanted = Engine(made, {1, KernelSet::Reference}).run(batch).logits;
  EXPECT_LE(difference(Engine(made).run(batch).logits, wanted), 2e-3);
}

TEST(Int8, RangesAreOfTheTokenOrOfTheSequence) {
  // A loud token in the sequence coarsens the others' codes only when the range is the sequence's.
  ModelShape shape;
  shape.head = HeadKind::TokenClassification;
  shape.heads = {};
  Model model = test::random_model(shape, 7);
  std::vector<float> word(static_cast<size_t>(shape.vocab * shape.hidden), 0.0F);
  std::fill_n(word.begin() + 5 * shape.hidden, shape.hidden, 300.0F);
  Rng rng(4);
  for (size_t i = 0; i < static_cast<size_t>(shape.hidden); ++i) word[i] = static_cast<float>(rng.normal());
  model.weights.replace("embeddings.word.weight",
                        Dense{Tensor::from(Shape{shape.vocab, shape.hidden}, std::move(word))});
  const auto run = [&](ActivationRange range, TokenId neighbour) {
    Model changed = model;
    changed.weights.replace("head.out.weight",
                            quantize_symmetric(materialize(model.weight("head.out.weight")), 8, true, range));
    // What the neighbour does to the first token: nothing mixes tokens here but a shared range.
    const PackedBatch batch{{0, neighbour}, {0, 0}, {0, 2}};
    const Tensor logits = Engine(changed).run(batch).logits;
    return std::vector<double>{logits.value_at(0), logits.value_at(1), logits.value_at(2)};
  };
  EXPECT_EQ(run(ActivationRange::PerToken, 5), run(ActivationRange::PerToken, 0));
  EXPECT_NE(run(ActivationRange::PerSequence, 5), run(ActivationRange::PerSequence, 0));
}

TEST(Sharing, ASharedWeightIsPackedOnce) {
  ModelShape shape;
  shape.heads = {3, 3};
  Model model = test::random_model(shape, 8);
  const auto packed_bytes = [](const Engine& engine) {
    int64_t bytes = 0;
    for (const PlanEntry& entry : engine.plan()) bytes += entry.resident_bytes;
    return bytes;
  };
  const Engine apart(model);
  for (const Slot& slot : slots_of(model.architecture)) {
    if (slot.layer && slot.layer->value == 1) {
      std::string first = slot.name;
      first.replace(first.find(".1."), 3, ".0.");
      model.weights.share(slot.name, first);
    }
  }
  const Engine shared(model);
  EXPECT_LT(packed_bytes(shared), packed_bytes(apart));
  for (const PlanEntry& entry : shared.plan()) {
    if (entry.slot.starts_with("encoder.1.")) {
      EXPECT_EQ(entry.resident_bytes, 0) << entry.slot;
      EXPECT_NE(entry.kernel.find("shared"), std::string::npos) << entry.slot;
    }
  }
  const PackedBatch batch = test::random_batch(model.architecture, {12}, 4);
  EXPECT_EQ(difference(shared.run(batch).logits, Engine(materialized(model)).run(batch).logits), 0);
}

TEST(Sharing, OutputWeightsMayBeTheWordEmbedding) {
  ModelShape shape;
  shape.head = HeadKind::MaskedLm;
  Model model = test::random_model(shape, 9);
  model.weights.share("head.out.weight", "embeddings.word.weight");
  const PackedBatch batch = test::random_batch(model.architecture, {12, 7}, 5);
  const Tensor wanted = Engine(model, {1, KernelSet::Reference}).run(batch).logits;
  EXPECT_EQ(wanted.shape(), (Shape{19, shape.vocab}));
  EXPECT_LE(difference(Engine(model).run(batch).logits, wanted), 1e-5);
}

}  // namespace
}  // namespace espalier
