#include "measure/profile.h"

#include <gtest/gtest.h>

#include <numeric>

#include "engine/kernels/kernels.h"
#include "tests/measure/tiny_model.h"

namespace espalier::test {
namespace {

const MachineLimits kLimits = {
    .threads = 1, .float_gops = 100, .int8_gops = 400, .bfloat16_gops = 200, .read_gb_s = 10, .read_bytes = 1};

TEST(Roofline, IsTheLongerOfArithmeticAndReading) {
  PassPart part;
  part.kind = PartKind::FfnIn;
  part.float_macs = 1'000'000;
  part.weight_bytes = 4'000'000;
  const Roofline row = roofline(part, {.calls = 1, .rows = 1}, kLimits);
  EXPECT_TRUE(row.memory_bound);
  EXPECT_NEAR(row.limit_ms, 0.4, 1e-9) << "4 MB at 10 GB/s";
  EXPECT_NEAR(row.ops_per_byte, 0.5, 1e-9);
  const Roofline many = roofline(part, {.calls = 1, .rows = 100}, kLimits);
  EXPECT_FALSE(many.memory_bound);
  EXPECT_NEAR(many.limit_ms, 2, 1e-9) << "200 million operations at 100 GFLOP/s";
  EXPECT_NEAR(many.ops_per_byte, 50, 1e-9);
}

TEST(Roofline, TakesEachTypeAtItsOwnRate) {
  PassPart part;
  part.kind = PartKind::FfnIn;
  part.float_macs = 1'000'000;
  part.int8_macs = 4'000'000;
  const Roofline both = roofline(part, {.calls = 1, .rows = 100}, kLimits);
  EXPECT_NEAR(both.limit_ms, 2 + 2, 1e-9);
  part.bfloat16_macs = 3'000'000;
  EXPECT_NEAR(roofline(part, {.calls = 1, .rows = 100}, kLimits).limit_ms, 2 + 2 + 3, 1e-9);
  EXPECT_EQ(both.ops_per_byte, 0) << "no weights";
}

TEST(Roofline, OfAttentionCountsPairsAndOfNormsIsNone) {
  PassPart part;
  part.kind = PartKind::Attention;
  part.float_macs = 1'000'000;
  EXPECT_NEAR(roofline(part, {.calls = 1, .rows = 10, .pairs = 100}, kLimits).limit_ms, 2, 1e-9);
  EXPECT_EQ(roofline({.kind = PartKind::Norm}, {.calls = 1, .rows = 10}, kLimits).limit_ms, 0);
}

TEST(PartSum, ComparesOnlyWhatHasALimit) {
  PassPart product, norm;
  product.kind = PartKind::FfnIn;
  product.float_macs = 1'000'000;
  product.weight_bytes = 1000;
  PartSum sum;
  sum.add(product, {.calls = 1, .rows = 100}, 4, kLimits);
  sum.add(norm, {.calls = 1, .rows = 100}, 1, kLimits);
  EXPECT_EQ(sum.ms, 5);
  EXPECT_EQ(sum.limited_ms, 4);
  EXPECT_NEAR(sum.share_of_limit(), 0.5, 1e-9);
  EXPECT_FALSE(sum.memory_bound());
  EXPECT_EQ(sum.operations, 2e8);
  EXPECT_EQ(sum.bytes, 1000);
}

TEST(Profile, PartsAndRestMakeThePass) {
  const Model model = tiny_model();
  const Engine engine(model, {1});
  LatencyOptions options;
  options.sequence_length = 12;
  const ModelProfile profile = measure_profile(engine, model, options);
  EXPECT_EQ(profile.passes, 15) << "the faster half of 30";
  ASSERT_EQ(profile.parts.size(), profile.ms.size());
  ASSERT_EQ(profile.parts.size(), profile.times.size());
  EXPECT_EQ(profile.times.front().rows, 12);
  EXPECT_EQ(profile.times.front().calls, 1);
  const double parts = std::accumulate(profile.ms.begin(), profile.ms.end(), 0.0);
  EXPECT_LE(parts, profile.wall_ms * (1 + 1e-9));
  EXPECT_NEAR(parts + profile.rest_ms, profile.wall_ms, 1e-9 * profile.wall_ms);
}

TEST(Profile, StopsWhenCancelled) {
  const Model model = tiny_model();
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(measure_profile(Engine(model, {1}), model, {}, cancel), Cancelled);
  EXPECT_THROW(measure_limits(1, 1, cancel), Cancelled);
}

TEST(MachineLimits, AreMeasured) {
  const MachineLimits limits = measure_limits(2, 1);
  EXPECT_EQ(limits.threads, 2);
  EXPECT_GT(limits.float_gops, 0);
  EXPECT_GT(limits.int8_gops, 0);
  EXPECT_EQ(limits.bfloat16_gops > 0, kernels::processor().bfloat16);
  EXPECT_GT(limits.read_gb_s, 0);
  EXPECT_EQ(limits.read_bytes, 1 << 20);
}

TEST(WeightBytes, CountWhatIsMultipliedOnce) {
  const std::vector<PlanEntry> plan = {{"embeddings.position", "F32 rows", 100, 0},
                                       {"encoder.0.ffn.in_proj", "float32", 400, 100},
                                       {"encoder.1.ffn.in_proj", "float32, shared", 0, 100}};
  EXPECT_EQ(weight_bytes(plan), 400);
}

}  // namespace
}  // namespace espalier::test
