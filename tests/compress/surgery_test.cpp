#include "compress/surgery.h"

#include "tests/compress/small_model.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

std::vector<HeadIndex> heads(std::initializer_list<int64_t> numbers) {
  std::vector<HeadIndex> list;
  for (const int64_t number : numbers) list.emplace_back(number);
  return list;
}

TEST(Surgery, RemovedHeadsEqualZeroedHeads) {
  const std::vector<std::vector<HeadIndex>> keep = {heads({0, 3}), heads({0, 1, 2, 3}), heads({2}), heads({1, 2})};
  const Model small = keep_heads(small_model(), keep), zeroed = zero_heads(small_model(), keep);
  EXPECT_EQ(small.architecture.layers[2].attention.heads, heads({2}));
  EXPECT_EQ(shape_of(small.weight("encoder.2.attention.q_proj.weight")), (Shape{8, 32}));
  EXPECT_EQ(shape_of(small.weight("encoder.2.attention.v_proj.bias")), (Shape{8}));
  EXPECT_EQ(shape_of(small.weight("encoder.0.attention.out_proj.weight")), (Shape{32, 16}));
  EXPECT_LT(largest_difference(engine_logits(small), engine_logits(zeroed)), 1e-5);
  EXPECT_GT(largest_difference(engine_logits(small), engine_logits(small_model())), 1e-3);
  validate(small, "test");
}

TEST(Surgery, HeadsKeepTheirNumbersThroughTwoRemovals) {
  const auto all = heads({0, 1, 2, 3});
  const Model once = keep_heads(small_model(), {heads({1, 3}), all, all, all});
  const Model twice = keep_heads(once, {heads({3}), all, all, all});
  const Model direct = keep_heads(small_model(), {heads({3}), all, all, all});
  EXPECT_EQ(twice.architecture, direct.architecture);
  EXPECT_EQ(values_of(twice, "encoder.0.attention.k_proj.weight"),
            values_of(direct, "encoder.0.attention.k_proj.weight"));
  expect_error([&] { keep_heads(once, {heads({0}), all, all, all}); });
}

TEST(Surgery, RemovedUnitsEqualZeroedUnits) {
  std::vector<std::vector<int64_t>> keep(4);
  for (int64_t unit = 0; unit < 64; ++unit) {
    for (size_t layer = 0; layer < 4; ++layer) {
      if ((unit + static_cast<int64_t>(layer)) % 3 != 0) keep[layer].push_back(unit);
    }
  }
  const Model small = keep_units(small_model(), keep);
  EXPECT_EQ(small.architecture.layers[0].ffn.width, static_cast<int64_t>(keep[0].size()));
  EXPECT_LT(largest_difference(engine_logits(small), engine_logits(zero_units(small_model(), keep))), 1e-5);
  validate(small, "test");
}

TEST(Surgery, LayersThatShareShrinkTogether) {
  const Model shared =
      apply_step(small_model(), step_of("share.layers", {{"unique_layers", 2}, {"epochs", 0.0}})).model;
  EXPECT_EQ(sharing_groups(shared, Part::Attention).size(), 2U);
  EXPECT_EQ(sharing_groups(small_model(), Part::Attention).size(), 4U);
  const auto all = heads({0, 1, 2, 3});
  const Model cut = keep_heads(shared, {heads({0, 2}), heads({0, 2}), all, all});
  EXPECT_EQ(cut.weights.handle("encoder.0.attention.q_proj.weight"),
            cut.weights.handle("encoder.1.attention.q_proj.weight"));
  EXPECT_EQ(shape_of(cut.weight("encoder.1.attention.q_proj.weight")), (Shape{16, 32}));
  validate(cut, "test");
  const Error error = expect_error([&] { keep_heads(shared, {heads({0, 2}), heads({0, 1}), all, all}); });
  EXPECT_EQ(error.kind(), ErrorKind::InvalidInput);
}

TEST(Surgery, KeptLayersAreRenumberedAndStayShared) {
  const Model shared =
      apply_step(small_model(), step_of("share.layers", {{"unique_layers", 2}, {"epochs", 0.0}})).model;
  const Model shorter = keep_layers(shared, {LayerIndex(0), LayerIndex(1), LayerIndex(3)});
  EXPECT_EQ(shorter.architecture.layers.size(), 3U);
  EXPECT_EQ(shorter.weights.handle("encoder.0.ffn.in_proj.weight"),
            shorter.weights.handle("encoder.1.ffn.in_proj.weight"));
  EXPECT_EQ(values_of(shorter, "encoder.2.ffn.in_proj.weight"), values_of(shared, "encoder.3.ffn.in_proj.weight"));
  EXPECT_FALSE(shorter.weights.contains("encoder.3.ffn.in_proj.weight"));
  validate(shorter, "test");
}

}  // namespace
}  // namespace espalier::test
