// Methods on models that are not BERT: removal stays exact behind gates, bottlenecks and biased scores; what a method
// cannot do is refused with a reason.

#include <algorithm>
#include <cmath>

#include "base/json.h"
#include "base/rng.h"
#include "compress/surgery.h"
#include "tests/compress/small_model.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

LayerSpec wide_layer() {
  LayerSpec layer;
  for (int64_t head = 0; head < 4; ++head) layer.attention.heads.emplace_back(head);
  layer.attention.head_dim = 6;
  layer.ffn.width = 30;
  return layer;
}

Architecture encoder_of(const LayerSpec& layer) {
  Architecture a;
  a.family = "made for a test";
  a.hidden_size = 20;
  a.embedding = {.vocab_size = 50, .max_positions = 30, .type_vocab_size = 0, .pad_token_id = 0};
  a.layers = {layer, layer};
  a.head = {.kind = HeadKind::Classification, .num_labels = 2};
  return a;
}

Architecture gated_encoder() {
  LayerSpec layer = wide_layer();
  layer.norm = NormPlacement::Pre;
  layer.ffn.gated = true;
  layer.attention.relative = RelativeBiasSpec{.buckets = 8, .max_distance = 16, .heads = 4};
  return encoder_of(layer);
}

Architecture narrow_encoder() {
  LayerSpec layer = wide_layer();
  layer.stacked = {layer.ffn};
  layer.bottleneck = BottleneckSpec{.width = 10};
  return encoder_of(layer);
}

Architecture translator() {
  LayerSpec layer = wide_layer();
  Architecture a = encoder_of(layer);
  a.decoder_embedding = a.embedding;
  layer.cross = layer.attention;
  layer.attention.causal = true;
  a.decoder = {layer, layer, layer};
  a.head = {.kind = HeadKind::LanguageModel, .num_labels = 50};
  return a;
}

Model filled(const Architecture& architecture) {
  Model model;
  model.architecture = architecture;
  Rng rng(11);
  for (const Slot& slot : slots_of(architecture)) {
    std::vector<float> values(static_cast<size_t>(num_elements(slot.shape)));
    const double spread = slot.kind == SlotKind::Linear ? 1 / std::sqrt(static_cast<double>(slot.shape[1])) : 0.3;
    for (float& value : values) {
      value = static_cast<float>((slot.kind == SlotKind::NormWeight ? 1 : 0) + spread * rng.normal());
    }
    model.weights.add(slot.name, Dense{Tensor::from(slot.shape, std::move(values))});
  }
  return model;
}

PackedBatch some_tokens() {
  PackedBatch batch;
  for (TokenId id = 1; id <= 21; ++id) batch.ids.push_back(id * 7 % 50);
  batch.type_ids.assign(21, 0);
  batch.starts = {0, 9, 21};
  return batch;
}

Tensor logits_of(const Model& model) {
  const Engine engine(model);
  return model.architecture.has_decoder() ? engine.run(some_tokens(), some_tokens()).logits
                                          : engine.run(some_tokens()).logits;
}

TEST(MethodsOnFamilies, RemovalIsExactBehindGatesBottlenecksAndBiasedScores) {
  for (const Architecture& architecture : {gated_encoder(), narrow_encoder()}) {
    const Model model = filled(architecture);
    const std::vector<std::vector<HeadIndex>> heads = {{HeadIndex(0), HeadIndex(3)}, {HeadIndex(2)}};
    const Model fewer = keep_heads(model, heads);
    validate(fewer, "test");
    EXPECT_LT(largest_difference(logits_of(fewer), logits_of(zero_heads(model, heads))), 1e-5);
    EXPECT_GT(largest_difference(logits_of(fewer), logits_of(model)), 1e-3);
    const std::vector<std::vector<int64_t>> units = {{0, 4, 5, 29}, {1, 2, 3}};
    const Model slimmer = keep_units(model, units);
    validate(slimmer, "test");
    EXPECT_LT(largest_difference(logits_of(slimmer), logits_of(zero_units(model, units))), 1e-5);
  }
}

TEST(MethodsOnFamilies, ATableOfBiasesThatLayersShareDoesNotBindTheirHeads) {
  Model model = filled(gated_encoder());
  model.weights.share("encoder.1.attention.relative_bias.weight", "encoder.0.attention.relative_bias.weight");
  EXPECT_EQ(sharing_groups(model, Part::Attention).size(), 2U);
  const std::vector<std::vector<HeadIndex>> heads = {{HeadIndex(1)}, {HeadIndex(0), HeadIndex(2)}};
  EXPECT_LT(largest_difference(logits_of(keep_heads(model, heads)), logits_of(zero_heads(model, heads))), 1e-5);
}

TEST(MethodsOnFamilies, WeightsOfBothStacksMayBeMaskedFactorizedAndQuantized) {
  const Model model = filled(translator());
  const Tensor before = logits_of(model);
  for (const Step& step : {step_of("prune.magnitude", {{"epochs", 0.0}}), step_of("factorize.svd", {{"epochs", 0.0}}),
                           step_of("quantize.q8", Json::object())}) {
    EXPECT_EQ(issues_of(model, step).find("encoder-decoder."), std::string::npos) << issues_of(model, step);
    if (!issues_of(model, step).empty()) continue;  // needs the loss of a task
    const Model after = apply_step(model, step).model;
    validate(after, step.method);
    EXPECT_TRUE(std::isfinite(largest_difference(before, logits_of(after)))) << step.method;
    EXPECT_FALSE(bit_equal(after.weight("decoder.2.cross_attention.k_proj.weight"),
                           model.weight("decoder.2.cross_attention.k_proj.weight")))
        << step.method;
  }
}

TEST(MethodsOnFamilies, HeadsOfTwoStacksAreRefusedWithAReason) {
  const Model model = filled(translator());
  for (const char* method : {"prune.heads", "prune.neurons", "share.layers", "distill.kd"}) {
    const std::string issues = issues_of(model, step_of(method, Json::object()));
    EXPECT_NE(issues.find("encoder-decoder"), std::string::npos) << method << ": " << issues;
  }
}

}  // namespace
}  // namespace espalier::test
