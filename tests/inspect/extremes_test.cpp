#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/rng.h"
#include "inspect/comparison.h"
#include "inspect/extremes.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

std::vector<float> normals(int64_t count, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(rng.normal());
  return values;
}

TEST(ChannelRanges, AreTheEndsOfEveryRowAndColumn) {
  constexpr int64_t kRows = 700, kCols = 301;  // several blocks of rows
  const std::vector<float> values = normals(kRows * kCols, 3);
  const Matrix matrix(Tensor::from<float>({kRows, kCols}, std::vector<float>(values)));
  const ChannelRanges rows = channel_ranges(matrix, ChannelAxis::Rows);
  const ChannelRanges columns = channel_ranges(matrix, ChannelAxis::Columns);
  ASSERT_EQ(rows.low.size(), 700u);
  ASSERT_EQ(columns.high.size(), 301u);
  for (int64_t r = 0; r < kRows; ++r) {
    float low = values[static_cast<size_t>(r * kCols)], high = low;
    for (int64_t c = 0; c < kCols; ++c) {
      low = std::min(low, values[static_cast<size_t>(r * kCols + c)]);
      high = std::max(high, values[static_cast<size_t>(r * kCols + c)]);
    }
    ASSERT_EQ(rows.low[static_cast<size_t>(r)], low);
    ASSERT_EQ(rows.high[static_cast<size_t>(r)], high);
  }
  for (int64_t c = 0; c < kCols; ++c) {
    float high = values[static_cast<size_t>(c)];
    for (int64_t r = 0; r < kRows; ++r) high = std::max(high, values[static_cast<size_t>(r * kCols + c)]);
    ASSERT_EQ(columns.high[static_cast<size_t>(c)], high);
  }
}

TEST(ChannelRanges, LeaveOutWhatIsNotFinite) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const Matrix matrix(Tensor::from<float>({2, 2}, {kNan, kNan, 1, std::numeric_limits<float>::infinity()}));
  const ChannelRanges ranges = channel_ranges(matrix, ChannelAxis::Rows);
  EXPECT_EQ(ranges.low, (std::vector<float>{0, 1}));
  EXPECT_EQ(ranges.high, (std::vector<float>{0, 1}));
}

TEST(LargestValues, AreTheSameAsSortingEverything) {
  constexpr int64_t kRows = 500, kCols = 400;
  const std::vector<float> values = normals(kRows * kCols, 9);
  std::vector<size_t> order(values.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return std::abs(values[a]) > std::abs(values[b]); });
  const auto found = largest_values(Matrix(Tensor::from<float>({kRows, kCols}, std::vector<float>(values))), 32);
  ASSERT_EQ(found.size(), 32u);
  for (size_t i = 0; i < found.size(); ++i) {
    const auto at = static_cast<int64_t>(order[i]);
    EXPECT_EQ(found[i], (PlacedValue{at / kCols, at % kCols, values[order[i]]})) << i;
  }
}

TEST(LargestValues, GiveWhatThereIs) {
  const Matrix matrix(Tensor::from<float>({1, 3}, {0, -2, std::numeric_limits<float>::quiet_NaN()}));
  EXPECT_EQ(largest_values(matrix, 8), (std::vector<PlacedValue>{{0, 1, -2}}));
  EXPECT_TRUE(largest_values(matrix, 0).empty());
}

TEST(Difference, IsAfterMinusBefore) {
  const Matrix before(Tensor::from<float>({2, 2}, {1, 2, 3, 4}));
  const Matrix after(Tensor::from<float>({2, 2}, {1, 0, 3, 5}));
  const Tensor changed = difference(before, after);
  EXPECT_EQ(std::vector<float>(changed.values<float>().begin(), changed.values<float>().end()),
            (std::vector<float>{0, -2, 0, 1}));
  const Matrix other(Tensor::from<float>({1, 4}, {1, 2, 3, 4}));
  const Error refused = test::expect_error([&] { difference(before, other); });
  EXPECT_EQ(refused.kind(), ErrorKind::InvalidInput);
}

TEST(Spread, PutsRowsAndColumnsWhereTheyWere) {
  const Matrix part(Tensor::from<float>({1, 2}, {7, 8}));
  const Tensor whole = spread(part, 3, 3, {2}, {0, 2});
  EXPECT_EQ(std::vector<float>(whole.values<float>().begin(), whole.values<float>().end()),
            (std::vector<float>{0, 0, 0, 0, 0, 0, 7, 0, 8}));
  EXPECT_EQ(test::expect_error([&] { spread(part, 3, 3, {3}, {0, 2}); }).kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(test::expect_error([&] { spread(part, 3, 3, {0}, {}); }).kind(), ErrorKind::InvalidInput);
}

}  // namespace
}  // namespace espalier
