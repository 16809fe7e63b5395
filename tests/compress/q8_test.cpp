#include <algorithm>
#include <cmath>

#include "base/json.h"
#include "tests/compress/small_model.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

Step q8(Json settings = Json::object()) { return step_of("quantize.q8", std::move(settings)); }

TEST(Q8, EveryLinearAndEmbeddingBecomesCodesWithinHalfAStep) {
  const MethodResult result = apply_step(small_model(), q8());
  for (const Slot& slot : slots_of(small_model().architecture)) {
    const Quantized* codes = result.model.weight(slot.name).as<Quantized>();
    const bool matrix = slot.kind == SlotKind::Linear || slot.kind == SlotKind::Embedding;
    ASSERT_EQ(codes != nullptr, matrix) << slot.name;
    if (!matrix) continue;
    EXPECT_EQ(codes->scales.numel(), slot.shape[0]) << "one scale a row";
    const std::vector<float> before = values_of(small_model(), slot.name), after = values_of(result.model, slot.name);
    const auto columns = static_cast<size_t>(slot.shape[1]);
    for (size_t i = 0; i < before.size(); ++i) {
      const float scale = codes->scales.values<float>()[i / columns];
      EXPECT_LE(std::abs(before[i] - after[i]), 0.5F * scale * (1 + 1e-4F));
    }
  }
  EXPECT_LE(result.report.at("largest_error_steps").get<double>(), 0.5001);
  EXPECT_GT(result.report.at("largest_error_steps").get<double>(), 0.45);
  EXPECT_LT(largest_difference(engine_logits(result.model), engine_logits(small_model())), 0.5);
}

TEST(Q8, ErrorShrinksWithTheBits) {
  double before = 0;
  for (const int bits : {8, 6, 4, 2}) {
    const MethodResult result = apply_step(small_model(), q8({{"bits", bits}}));
    double error = 0;
    const std::string slot = "encoder.0.ffn.in_proj.weight";
    const std::vector<float> a = values_of(small_model(), slot), b = values_of(result.model, slot);
    for (size_t i = 0; i < a.size(); ++i) error = std::max(error, std::abs(static_cast<double>(a[i]) - b[i]));
    EXPECT_GT(error, before) << bits;
    before = error;
    const Quantized* codes = result.model.weight(slot).as<Quantized>();
    EXPECT_EQ(static_cast<int64_t>(codes->codes.bytes().size()), 64 * 32 * bits / 8) << "packed";
    const Tensor unpacked = unpacked_codes(*codes);
    const auto levels = unpacked.values<int8_t>();
    EXPECT_LE(*std::ranges::max_element(levels), (1 << (bits - 1)) - 1);
    EXPECT_GE(*std::ranges::min_element(levels), -((1 << (bits - 1)) - 1)) << "symmetric";
    engine_logits(result.model);
  }
}

TEST(Q8, ThePapersArithmeticIsASettingAndZeroStaysZero) {
  const Model pruned = apply_step(small_model(), step_of("prune.magnitude", {{"sparsity", 0.5}})).model;
  const Model model = apply_step(pruned, q8({{"granularity", "tensor"}, {"activations", "sequence"}})).model;
  const std::string slot = "encoder.0.ffn.in_proj.weight";
  const Quantized* codes = model.weight(slot).as<Quantized>();
  ASSERT_NE(codes, nullptr);
  EXPECT_EQ(codes->scales.numel(), 1);
  EXPECT_EQ(codes->activations, ActivationRange::PerSequence);
  const std::vector<float> before = values_of(pruned, slot), after = values_of(model, slot);
  for (size_t i = 0; i < before.size(); ++i) {
    if (before[i] == 0) {
      EXPECT_EQ(after[i], 0.0F);
    }
  }
}

TEST(Q8, OutputsDoNotDependOnOtherExamplesOfTheBatch) {
  for (const char* range : {"token", "sequence"}) {
    const Model model = apply_step(small_model(), q8({{"activations", range}})).model;
    const Tensor together = engine_logits(model, 8);
    const Tensor alone = Engine(model).run(pack({small_dev().examples[0].encoding})).logits;
    for (size_t i = 0; i < 2; ++i) EXPECT_EQ(together.values<float>()[i], alone.values<float>()[i]) << range;
  }
}

TEST(Q8, IssuesNameWhatIsWrong) {
  EXPECT_NE(issues_of(small_model(), q8({{"bits", 12}})).find("bits: 12 bits"), std::string::npos);
  const Model codes = apply_step(small_model(), q8()).model;
  EXPECT_NE(issues_of(codes, q8()).find("codes already"), std::string::npos);
  EXPECT_EQ(issues_of(codes, q8({{"bits", 32}})), "");
  Step rest = q8();
  rest.scope.parts = {"attention"};
  const Model some = apply_step(small_model(), rest).model;
  EXPECT_EQ(some.weight("encoder.0.ffn.in_proj.weight").as<Quantized>(), nullptr);
  rest.scope.parts = {"ffn", "embeddings", "pooler", "head"};
  EXPECT_EQ(issues_of(some, rest), "");
}

TEST(Q8, SaysSoWhenTheBytesGrow) {
  const Model sparse = apply_step(small_model(), step_of("prune.magnitude", {{"sparsity", 0.95}})).model;
  Step linears = q8({{"embeddings", false}});
  linears.scope.parts = {"attention", "ffn"};
  const MethodResult result = apply_step(sparse, linears);
  EXPECT_GT(weight_bytes(result.model), weight_bytes(sparse));
  EXPECT_TRUE(result.report.contains("notes"));
}

}  // namespace
}  // namespace espalier::test
