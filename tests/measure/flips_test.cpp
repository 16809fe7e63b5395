#include "measure/flips.h"

#include <cmath>

#include "tests/support/support.h"

namespace espalier::test {
namespace {

// Logits whose largest is that of the label, one row each.
Tensor answers(const std::vector<int32_t>& labels, int64_t classes = 3) {
  std::vector<float> logits(labels.size() * static_cast<size_t>(classes), 0);
  for (size_t i = 0; i < labels.size(); ++i)
    logits[i * static_cast<size_t>(classes) + static_cast<size_t>(labels[i])] = 2;
  return Tensor::from({static_cast<int64_t>(labels.size()), classes}, std::move(logits));
}

//                                  right  lost  gained  moved  wrong  gained
const std::vector<int32_t> kGold = {0, 0, 1, 1, 2, 2};
const std::vector<int32_t> kBefore = {0, 0, 0, 0, 1, 0};
const std::vector<int32_t> kAfter = {0, 1, 1, 2, 1, 2};

Flips example() { return find_flips(answers(kBefore), answers(kAfter), kGold); }

TEST(Flips, AreCountedBothWays) {
  const Flips flips = example();
  std::vector<std::string> kinds;
  for (const FlipRow& row : flips.rows) kinds.emplace_back(to_string(row.kind));
  EXPECT_EQ(kinds, (std::vector<std::string>{"same_right", "lost", "gained", "moved", "same_wrong", "gained"}));
  EXPECT_EQ(flips.all.examples, 6);
  EXPECT_EQ(flips.all.lost, 1);
  EXPECT_EQ(flips.all.gained, 2);
  EXPECT_EQ(flips.all.moved, 1);
  EXPECT_DOUBLE_EQ(flips.all.before.value, 2.0 / 6);
  EXPECT_DOUBLE_EQ(flips.all.after.value, 3.0 / 6);
  EXPECT_LT(flips.all.after.low, 0.5);
  EXPECT_DOUBLE_EQ(flips.all.mcnemar_p, 1);  // one against two of three
}

TEST(Flips, ConfusionsAreByGoldAndByAnswer) {
  const Flips flips = example();
  EXPECT_EQ(flips.before, (Confusion{{2, 0, 0}, {2, 0, 0}, {1, 1, 0}}));
  EXPECT_EQ(flips.after, (Confusion{{1, 1, 0}, {0, 1, 1}, {0, 1, 1}}));
  EXPECT_EQ(flips.between, (Confusion{{1, 2, 2}, {0, 1, 0}, {0, 0, 0}}));
}

TEST(Flips, RowsHoldBothProbabilities) {
  const Flips flips = example();
  const double own = std::exp(2.0) / (std::exp(2.0) + 2), other = 1 / (std::exp(2.0) + 2);
  const FlipRow& lost = flips.rows[1];
  EXPECT_EQ(lost.before, 0);
  EXPECT_EQ(lost.after, 1);
  EXPECT_NEAR(lost.before_probability, own, 1e-6);
  EXPECT_NEAR(lost.after_probability, own, 1e-6);
  EXPECT_NEAR(lost.after_gold_probability, other, 1e-6);
  EXPECT_NEAR(lost.after_loss, -std::log(other), 1e-6);
}

TEST(Flips, SlicesHoldTheirExamples) {
  const Flips flips = example();
  SliceInput input;
  input.lengths = {3, 8, 9, 16, 17, 4};
  input.label_names = {"no", "yes"};
  input.texts = {"a Good film", "a bad film", "a film, good", "the plot", "good good", "bad"};
  input.least_examples = 2;
  const FlipSlices slices = slice_flips(flips, input);
  const auto find = [&](const std::string& by, const std::string& name) -> const FlipSlice& {
    for (const FlipSlice& slice : slices.slices) {
      if (slice.by == by && slice.name == name) return slice;
    }
    ADD_FAILURE() << by << " " << name;
    return slices.slices.front();
  };
  EXPECT_EQ(find("length", "1-8 tokens").examples, (std::vector<uint32_t>{0, 1, 5}));
  EXPECT_EQ(find("length", "9-16 tokens").examples, (std::vector<uint32_t>{2, 3}));
  EXPECT_EQ(find("length", "17-32 tokens").examples, (std::vector<uint32_t>{4}));
  EXPECT_EQ(find("label", "no").counts.lost, 1);
  EXPECT_EQ(find("label", "yes").counts.gained, 1);
  EXPECT_EQ(find("label", "2").examples, (std::vector<uint32_t>{4, 5}));
  const FlipSlice& good = find("word", "good");
  EXPECT_EQ(good.examples, (std::vector<uint32_t>{0, 2, 4}));
  EXPECT_DOUBLE_EQ(good.counts.before.value, 1.0 / 3);
  EXPECT_DOUBLE_EQ(good.counts.after.value, 2.0 / 3);
  EXPECT_EQ(slices.words_tested, 4);  // a, bad, film, good
  int64_t of_loss = 0;
  for (const FlipSlice& slice : slices.slices) of_loss += slice.by == "loss" ? slice.counts.examples : 0;
  EXPECT_EQ(of_loss, 6);
}

TEST(Flips, RefuseWhatDoesNotBelongTogether) {
  EXPECT_EQ(expect_error([] { find_flips(answers(kBefore), answers(kAfter, 4), kGold); }).kind(),
            ErrorKind::InvalidInput);
  EXPECT_EQ(expect_error([] { find_flips(answers({0}), answers({0}), {3}); }).kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(expect_error([] { find_flips(answers({0}), answers({0}), {}); }).kind(), ErrorKind::InvalidInput);
}

}  // namespace
}  // namespace espalier::test
