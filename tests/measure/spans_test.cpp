#include "measure/spans.h"

#include "tests/support/support.h"

namespace espalier {
namespace {

const std::vector<std::string> kLabels = {"O", "B-PER", "I-PER", "B-LOC", "I-LOC"};

TEST(Spans, AreCountedAsConllevalDoes) {
  EXPECT_TRUE(are_bio_tags(kLabels));
  EXPECT_FALSE(are_bio_tags({"NOUN", "VERB"}));
  EXPECT_FALSE(are_bio_tags({"O"}));
  // Gold: PER of words 0-1, LOC of word 3. Predicted: PER of word 0, PER of word 1 (a B begins anew), LOC of word 3.
  const SpanCounts counts = span_counts({1, 2, 0, 3}, {1, 1, 0, 3}, kLabels);
  EXPECT_EQ(counts.gold, 2);
  EXPECT_EQ(counts.predicted, 3);
  EXPECT_EQ(counts.right, 1);
  EXPECT_DOUBLE_EQ(counts.f1(), 2.0 / 5);
  // An I of another type, or behind O, begins a span; a tag that is not known ends one.
  const SpanCounts odd = span_counts({1, 2, 4, 0, 2}, {1, 2, 4, -1, 2}, kLabels);
  EXPECT_EQ(odd.gold, 3);
  EXPECT_EQ(odd.right, 3);
}

TEST(Spans, OfACorpusHaveIntervals) {
  std::vector<std::vector<int32_t>> gold, predicted;
  for (int i = 0; i < 40; ++i) {
    gold.push_back({1, 2, 0});
    predicted.push_back(i % 4 == 0 ? std::vector<int32_t>{1, 0, 0} : std::vector<int32_t>{1, 2, 0});
  }
  const TaggingQuality quality = tagging_quality(gold, predicted, kLabels);
  EXPECT_EQ(quality.words, 120);
  EXPECT_NEAR(quality.accuracy.value, 110.0 / 120, 1e-12);
  EXPECT_NEAR(quality.f1.value, 0.75, 1e-12);
  EXPECT_LT(quality.f1.low, 0.75);
  EXPECT_GT(quality.f1.high, 0.75);
  EXPECT_EQ(test::expect_error([&] { tagging_quality(gold, {}, kLabels); }).kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(test::expect_error([&] { tagging_quality({}, {}, kLabels); }).kind(), ErrorKind::InvalidInput);
}

}  // namespace
}  // namespace espalier
