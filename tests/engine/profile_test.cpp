#include "engine/pass_profile.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <set>

#include "engine/engine.h"
#include "engine/kernels/kernels.h"
#include "tests/engine/random_model.h"

namespace espalier {
namespace {

using test::ModelShape;

constexpr int64_t kTokens = 23;

Model of_tokens() {
  ModelShape shape;
  shape.heads = {3, 3, 3};
  shape.head = HeadKind::TokenClassification;
  return test::random_model(shape, 3);
}

PassProfile profile_of(const Engine& engine, const PackedBatch& batch) {
  PassProfile profile;
  engine.run(batch, {.profile = &profile});
  return profile;
}

int64_t sum_of(const PassProfile& profile) {
  return std::accumulate(profile.times.begin(), profile.times.end(), int64_t{0},
                         [](int64_t sum, const PartTime& time) { return sum + time.nanoseconds; });
}

TEST(PassProfile, HasEveryLineOfThePlanOnce) {
  for (const HeadKind head : {HeadKind::Classification, HeadKind::MaskedLm}) {
    ModelShape shape;
    shape.head = head;
    const Engine engine(test::random_model(shape, 3));
    std::map<std::string, int> lines;
    for (const PassPart& part : engine.parts()) {
      for (const std::string& slot : part.slots) ++lines[slot];
    }
    EXPECT_EQ(lines.size(), engine.plan().size());
    for (const PlanEntry& entry : engine.plan()) EXPECT_EQ(lines[entry.slot], 1) << entry.slot;
  }
}

TEST(PassProfile, CountsTheRowsOfEachPartAndStaysWithinThePass) {
  const Model model = of_tokens();
  for (const int threads : {1, 2}) {
    const Engine engine(model, {threads});
    const PassProfile profile = profile_of(engine, test::random_batch(model.architecture, {20, 3}, 1));
    ASSERT_EQ(profile.times.size(), engine.parts().size());
    std::map<PartKind, int> of_kind;
    for (size_t i = 0; i < profile.times.size(); ++i) {
      const PassPart& part = engine.parts()[i];
      const PartTime& time = profile.times[i];
      EXPECT_GE(time.nanoseconds, 0) << part.name;
      EXPECT_EQ(time.rows, kTokens) << part.name;
      EXPECT_EQ(time.pairs, part.kind == PartKind::Attention ? 20 * 20 + 3 * 3 : 0) << part.name;
      if (part.layer >= 0) ++of_kind[part.kind];
    }
    for (const PartKind kind :
         {PartKind::Qkv, PartKind::Attention, PartKind::AttentionOut, PartKind::FfnIn, PartKind::FfnOut}) {
      EXPECT_EQ(of_kind[kind], 3) << to_string(kind);
    }
    EXPECT_EQ(of_kind[PartKind::Norm], 6);
    EXPECT_EQ(profile.passes, 1);
    EXPECT_GT(sum_of(profile), 0);
    EXPECT_LE(sum_of(profile), profile.thread_nanoseconds);
    EXPECT_GE(profile.thread_nanoseconds, profile.wall_nanoseconds);
  }
}

TEST(PassProfile, OfAHeadOnFirstTokensSaysWhatIsLeftOut) {
  const Engine engine(test::random_model(ModelShape{}, 3), {1});
  const PassProfile profile = profile_of(engine, test::random_batch(test::make_architecture({}), {20, 3}, 1));
  for (size_t i = 0; i < profile.times.size(); ++i) {
    const PassPart& part = engine.parts()[i];
    const bool last = part.layer == 1 && part.kind != PartKind::Qkv;
    EXPECT_EQ(profile.times[i].rows, last || part.kind == PartKind::Head ? 2 : kTokens) << part.name;
  }
}

TEST(PassProfile, SumsOverPassesAndChangesNoAnswer) {
  const Model model = of_tokens();
  const Engine engine(model, {1});
  const PackedBatch batch = test::random_batch(model.architecture, {kTokens}, 1);
  PassProfile profile;
  const Tensor first = engine.run(batch, {.profile = &profile}).logits;
  engine.run(batch, {.profile = &profile});
  EXPECT_EQ(profile.passes, 2);
  EXPECT_EQ(profile.times.front().rows, 2 * kTokens);
  EXPECT_EQ(test::difference(first, engine.run(batch).logits), 0);
}

TEST(PassProfile, OfADecoderCountsItsTokensAndTheSourceOnce) {
  ModelShape shape;
  shape.head = HeadKind::LanguageModel;
  shape.labels = shape.vocab;
  Architecture architecture = test::make_architecture(shape);
  for (LayerSpec& layer : architecture.layers) layer.attention.causal = true;
  architecture.has_pooler = false;
  const Model model = test::random_model(architecture, 3);
  const Engine engine(model, {1});
  PassProfile profile;
  GenerationSpec spec;
  spec.max_length = 9;
  engine.generate(test::random_batch(architecture, {5}, 1), spec, {}, &profile);
  for (size_t i = 0; i < profile.times.size(); ++i) {
    if (engine.parts()[i].kind != PartKind::Attention) continue;
    // A prompt of five, then one token at a time that sees all before it: 1 + 2 + ... tokens.
    const int64_t rows = profile.times[i].rows;
    EXPECT_EQ(profile.times[i].pairs, rows * (rows + 1) / 2);
  }
  EXPECT_LE(sum_of(profile), profile.thread_nanoseconds);
}

TEST(PassProfile, MultipliesWhatThePlanSays) {
  const Model model = test::with_weights(of_tokens(), [](const Slot& slot, const Tensor& values) -> Weight {
    if (slot.kind != SlotKind::Linear) return Dense{values};
    return quantize_symmetric(values, 4, true, ActivationRange::PerToken);
  });
  const Engine engine(model);
  std::map<std::string, int64_t> multiplications;
  for (const PlanEntry& entry : engine.plan()) multiplications[entry.slot] = entry.multiplications;
  for (const PassPart& part : engine.parts()) {
    if (part.slots.size() != 1 || part.kind == PartKind::Embedding) continue;
    EXPECT_EQ(part.float_macs, 0) << part.name;
    EXPECT_EQ(part.int8_macs, multiplications.at(part.name)) << part.name;
  }
  EXPECT_EQ(multiplications.at("encoder.0.ffn.in_proj"), 48 * 96);
}

TEST(PassProfile, AttentionIsRoundedBetweenRoundedLinearsAlone) {
  const auto engine_of = [](const std::vector<std::string_view>& coded) {
    const Model model = test::with_weights(of_tokens(), [&](const Slot& slot, const Tensor& values) -> Weight {
      if (std::ranges::find(coded, slot.module) == coded.end()) return Dense{values};
      return quantize_symmetric(values, 8, true, ActivationRange::PerToken);
    });
    return Engine(model);
  };
  const auto check = [](const Engine& engine, bool rounded) {
    for (const PassPart& part : engine.parts()) {
      if (part.kind != PartKind::Attention) continue;
      EXPECT_TRUE(part.kernel.starts_with(rounded ? "bfloat16" : "float32")) << part.kernel;
      EXPECT_EQ(part.bfloat16_macs > 0, rounded);
      EXPECT_EQ(part.float_macs > 0, !rounded);
    }
  };
  check(engine_of({"q_proj", "k_proj", "v_proj", "out_proj"}), kernels::processor().bfloat16);
  check(engine_of({"q_proj", "k_proj", "v_proj"}), false);
  check(engine_of({"k_proj", "v_proj", "out_proj"}), false);
  check(engine_of({}), false);
}

}  // namespace
}  // namespace espalier
