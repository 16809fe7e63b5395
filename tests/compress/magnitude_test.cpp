#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/json.h"
#include "base/rng.h"
#include "tests/compress/small_model.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

const std::string kSlot = "encoder.1.ffn.in_proj.weight";

std::vector<bool> kept_of(const Model& model, const std::string& slot) {
  const Weight& weight = model.weights.at(slot);
  if (const Masked* masked = weight.as<Masked>()) return keep_flags(*masked);
  return std::vector<bool>(static_cast<size_t>(num_elements(shape_of(weight))), true);
}

int64_t zeros(const std::vector<bool>& keep) { return std::ranges::count(keep, false); }

Step prune(double sparsity, Json more = Json::object()) {
  more["sparsity"] = sparsity;
  return step_of("prune.magnitude", more);
}

TEST(Magnitude, LocalKeepsExactlyTheLargestOfEveryMatrix) {
  const MethodResult result = apply_step(small_model(), prune(0.3));
  for (const std::string slot :
       {"encoder.0.attention.q_proj.weight", "encoder.1.ffn.in_proj.weight", "pooler.dense.weight"}) {
    const std::vector<float> before = values_of(small_model(), slot);
    const std::vector<bool> keep = kept_of(result.model, slot);
    EXPECT_EQ(zeros(keep), std::llround(0.3 * static_cast<double>(before.size()))) << slot;
    float largest_removed = 0, smallest_kept = INFINITY;
    for (size_t i = 0; i < before.size(); ++i) {
      if (keep[i]) {
        smallest_kept = std::min(smallest_kept, std::abs(before[i]));
      } else {
        largest_removed = std::max(largest_removed, std::abs(before[i]));
      }
    }
    EXPECT_LE(largest_removed, smallest_kept) << slot;
  }
  EXPECT_EQ(kept_of(result.model, "head.out.weight"), kept_of(small_model(), "head.out.weight"))
      << "the head is spared";
  EXPECT_NEAR(result.report.at("sparsity_frac").get<double>(), 0.3, 1e-3);
}

TEST(Magnitude, GlobalPoolsAllMatricesAndIsExact) {
  const MethodResult result = apply_step(small_model(), prune(0.6, {{"granularity", "global"}}));
  int64_t removed = 0, total = 0;
  float largest_removed = 0, smallest_kept = INFINITY;
  for (const Json& matrix : result.report.at("matrices")) {
    const auto slot = matrix.at("slot").get<std::string>();
    const std::vector<float> before = values_of(small_model(), slot);
    const std::vector<bool> keep = kept_of(result.model, slot);
    removed += zeros(keep);
    total += static_cast<int64_t>(keep.size());
    for (size_t i = 0; i < before.size(); ++i) {
      if (keep[i]) {
        smallest_kept = std::min(smallest_kept, std::abs(before[i]));
      } else {
        largest_removed = std::max(largest_removed, std::abs(before[i]));
      }
    }
  }
  EXPECT_EQ(removed, std::llround(0.6 * static_cast<double>(total)));
  EXPECT_LE(largest_removed, smallest_kept);
}

TEST(Magnitude, RemovesLessThanAnyOtherMaskOfItsSize) {
  const MethodResult result = apply_step(small_model(), prune(0.5));
  const std::vector<float> before = values_of(small_model(), kSlot), after = values_of(result.model, kSlot);
  const auto distance = [&](const std::vector<float>& other) {
    double sum = 0;
    for (size_t i = 0; i < before.size(); ++i)
      sum += (before[i] - other[i]) * static_cast<double>(before[i] - other[i]);
    return sum;
  };
  const double own = distance(after);
  Rng rng(5);
  std::vector<size_t> order(before.size());
  std::iota(order.begin(), order.end(), size_t{0});
  for (int trial = 0; trial < 50; ++trial) {
    rng.shuffle(order);
    std::vector<float> other = before;
    for (size_t i = 0; i < before.size() / 2; ++i) other[order[i]] = 0;
    EXPECT_LT(own, distance(other));
  }
}

TEST(Magnitude, TiesGoInStorageOrderAndNanStays) {
  Model model = small_model();
  const Shape shape = shape_of(model.weights.at(kSlot));
  std::vector<float> values(static_cast<size_t>(num_elements(shape)), -2.0F);
  values[0] = std::numeric_limits<float>::quiet_NaN();
  values[7] = 1.0F;
  model.weights.replace(kSlot, dense(shape, values));
  Step step = prune(4.0 / static_cast<double>(values.size()));
  step.scope.slots = {kSlot};
  const std::vector<bool> keep = kept_of(apply_step(model, step).model, kSlot);
  std::vector<size_t> removed;
  for (size_t i = 0; i < keep.size(); ++i) {
    if (!keep[i]) removed.push_back(i);
  }
  EXPECT_EQ(removed, (std::vector<size_t>{1, 2, 3, 7}));
}

TEST(Magnitude, TrainingKeepsTheMaskAndRoundsAreNested) {
  const Json training = {{"epochs", 1.0}, {"learning_rate", 1e-3}, {"rounds", 2}};
  const MethodResult result = apply_step(small_model(), prune(0.75, training));
  EXPECT_EQ(result.report.at("rounds").size(), 2U);
  EXPECT_NEAR(result.report.at("rounds").at(0).at("sparsity_requested_frac").get<double>(), 0.5, 1e-12);
  EXPECT_GT(result.report.at("rounds").at(1).at("train").at("steps").get<int>(), 0);
  const std::vector<bool> keep = kept_of(result.model, kSlot);
  EXPECT_EQ(zeros(keep), std::llround(0.75 * static_cast<double>(keep.size())));
  const std::vector<float> after = values_of(result.model, kSlot), before = values_of(small_model(), kSlot);
  int64_t moved = 0;
  for (size_t i = 0; i < keep.size(); ++i) {
    if (!keep[i]) {
      EXPECT_EQ(after[i], 0.0F);
    }
    if (keep[i] && after[i] != before[i]) ++moved;
  }
  EXPECT_GT(moved, static_cast<int64_t>(keep.size()) / 8) << "training moved nothing";
}

TEST(Magnitude, PruningAgainCountsEarlierZeros) {
  const Model once = apply_step(small_model(), prune(0.5)).model;
  const Model twice = apply_step(once, prune(0.5)).model;
  const Model more = apply_step(once, prune(0.7)).model;
  EXPECT_EQ(kept_of(once, kSlot), kept_of(twice, kSlot)) << "idempotent";
  const std::vector<bool> first = kept_of(once, kSlot), second = kept_of(more, kSlot);
  for (size_t i = 0; i < first.size(); ++i) EXPECT_TRUE(first[i] || !second[i]) << "nested";
}

TEST(Magnitude, PrunesBothFactorsOfALowRankWeight) {
  const Model factored = apply_step(small_model(), step_of("factorize.svd", {{"by", "rank"}, {"rank", 8}})).model;
  const Model pruned = apply_step(factored, prune(0.5)).model;
  const LowRank* factors = pruned.weight(kSlot).as<LowRank>();
  ASSERT_NE(factors, nullptr);
  EXPECT_NEAR(sparsity_of(*factors->left), 0.5, 1e-2);
  EXPECT_NEAR(sparsity_of(*factors->right), 0.5, 1e-2);
  EXPECT_EQ(engine_logits(pruned).shape(), engine_logits(small_model()).shape());
}

TEST(Magnitude, RefusesCodesAndEmptyScopes) {
  const Model codes = apply_step(small_model(), step_of("quantize.q8", Json::object())).model;
  EXPECT_NE(issues_of(codes, prune(0.5)).find("integer codes"), std::string::npos);
  Step nowhere = prune(0.5);
  nowhere.scope.parts = {"embeddings"};
  EXPECT_NE(issues_of(small_model(), nowhere).find("scope: "), std::string::npos);
  EXPECT_EQ(issues_of(small_model(), prune(0.5)), "");
  EXPECT_NE(issues_of(small_model(), prune(1.5)).find("sparsity: "), std::string::npos);
}

}  // namespace
}  // namespace espalier::test
