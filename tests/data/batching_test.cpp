#include "data/batching.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "tests/support/support.h"

namespace espalier {
namespace {

EncodedDataset with_lengths(const std::vector<int64_t>& lengths) {
  EncodedDataset dataset;
  for (const int64_t length : lengths) {
    EncodedExample example;
    example.encoding.ids.resize(static_cast<size_t>(length));
    dataset.examples.push_back(example);
  }
  return dataset;
}

EncodedDataset random_lengths(size_t count) {
  Rng rng(3);
  std::vector<int64_t> lengths(count);
  for (int64_t& length : lengths) length = 3 + static_cast<int64_t>(rng.below(60));
  return with_lengths(lengths);
}

std::multiset<int32_t> members(const BatchPlan& plan) {
  std::multiset<int32_t> all;
  for (const auto& batch : plan) all.insert(batch.begin(), batch.end());
  return all;
}

std::multiset<int32_t> everyone(size_t count) {
  std::vector<int32_t> all(count);
  std::iota(all.begin(), all.end(), 0);
  return {all.begin(), all.end()};
}

// Share of tokens that padding every batch to its longest sequence would add.
double waste(const EncodedDataset& dataset, const BatchPlan& plan) {
  size_t real = 0, padded = 0;
  for (const auto& batch : plan) {
    size_t longest = 0;
    for (const int32_t i : batch) {
      real += dataset.examples[static_cast<size_t>(i)].encoding.size();
      longest = std::max(longest, dataset.examples[static_cast<size_t>(i)].encoding.size());
    }
    padded += longest * batch.size();
  }
  return static_cast<double>(padded - real) / static_cast<double>(padded);
}

TEST(PlanByLength, SortsAndKeepsBothLimits) {
  const EncodedDataset dataset = with_lengths({5, 3, 9, 3, 4});
  EXPECT_EQ(plan_by_length(dataset, 2), (BatchPlan{{1, 3}, {4, 0}, {2}}));
  EXPECT_EQ(plan_by_length(dataset, 10, 8), (BatchPlan{{1, 3}, {4}, {0}, {2}}));
}

TEST(PlanByLength, EveryExampleOnce) {
  const EncodedDataset dataset = random_lengths(1000);
  const BatchPlan plan = plan_by_length(dataset, 32, 1024);
  EXPECT_EQ(members(plan), everyone(1000));
  EXPECT_LT(waste(dataset, plan), 0.03);
  EXPECT_TRUE(plan_by_length(with_lengths({}), 32).empty());
}

TEST(PlanShuffled, EveryExampleOnceWithLittleWaste) {
  const EncodedDataset dataset = random_lengths(3000);
  Rng rng(5);
  const BatchPlan plan = plan_shuffled(dataset, 32, rng);
  EXPECT_EQ(members(plan), everyone(3000));
  EXPECT_LT(waste(dataset, plan), 0.05);
  for (const auto& batch : plan) EXPECT_LE(batch.size(), 32u);
}

TEST(PlanShuffled, SameSeedSamePlan) {
  const EncodedDataset dataset = random_lengths(500);
  Rng a(5), b(5), c(6);
  const BatchPlan first = plan_shuffled(dataset, 16, a);
  EXPECT_EQ(first, plan_shuffled(dataset, 16, b));
  EXPECT_NE(first, plan_shuffled(dataset, 16, c));
  EXPECT_NE(first, plan_shuffled(dataset, 16, a));  // the next epoch is another order
}

TEST(Plans, ABatchOfNothingIsRefused) {
  Rng rng(1);
  EXPECT_EQ(test::expect_error([&] { plan_by_length(with_lengths({3}), 0); }).kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(test::expect_error([&] { plan_shuffled(with_lengths({3}), -1, rng); }).kind(), ErrorKind::InvalidInput);
}

}  // namespace
}  // namespace espalier
