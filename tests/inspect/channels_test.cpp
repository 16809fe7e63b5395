#include "inspect/channels.h"

#include <cmath>
#include <limits>

#include "base/rng.h"
#include "inspect/difference.h"
#include "inspect/outliers.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

TEST(Outliers, TheBoundIsThatOfTheLogDensity) {
  // sqrt(2 (4 - ln(std sqrt(2 pi)))).
  EXPECT_NEAR(outlier_deviations(0.02), 3.740, 5e-4);
  EXPECT_NEAR(outlier_deviations(0.04), 3.550, 5e-4);
  EXPECT_NEAR(outlier_deviations(0.06), 3.434, 5e-4);
  const double z = outlier_deviations(0.3);
  EXPECT_NEAR(-z * z / 2 - std::log(0.3 * std::sqrt(2 * 3.14159265358979)), -4, 1e-12);
  EXPECT_EQ(outlier_deviations(50), 0);  // the density is below the bound everywhere
  EXPECT_TRUE(std::isinf(outlier_deviations(0)));
}

TEST(Outliers, AreCountedAroundTheMean) {
  Rng rng(3);
  std::vector<float> values;
  for (int i = 0; i < 10000; ++i) values.push_back(static_cast<float>(1 + 0.02 * rng.normal()));
  values[17] = 2;
  values[1234] = -1;
  const Matrix matrix(Tensor::from({100, 100}, std::move(values)));
  const Statistics statistics = summarize(matrix).statistics;
  const Outliers outliers = count_outliers(matrix, statistics);
  int64_t by_hand = 0;
  for (int64_t i = 0; i < 10000; ++i) {
    const double z = (matrix.value(i / 100, i % 100) - statistics.mean) / statistics.std;
    const double density = -z * z / 2 - std::log(statistics.std * std::sqrt(2 * 3.14159265358979));
    by_hand += density < kOutlierLogDensity;
  }
  EXPECT_EQ(outliers.count, by_hand);
  EXPECT_GE(outliers.count, 2);
  EXPECT_DOUBLE_EQ(outliers.share, static_cast<double>(by_hand) / 10000);
}

TEST(Channels, RangesAreThoseOfRowsAndColumns) {
  const float nothing = std::numeric_limits<float>::quiet_NaN();
  const ChannelRanges ranges = channel_ranges(Matrix(Tensor::from<float>({2, 3}, {1, -5, nothing, 2, 0, nothing})));
  ASSERT_EQ(ranges.rows.size(), 2U);
  EXPECT_EQ(ranges.rows[0].min, -5);
  EXPECT_EQ(ranges.rows[0].max, 1);
  EXPECT_EQ(ranges.rows[0].abs_max(), 5);
  ASSERT_EQ(ranges.columns.size(), 3U);
  EXPECT_EQ(ranges.columns[0].min, 1);
  EXPECT_EQ(ranges.columns[0].max, 2);
  EXPECT_EQ(ranges.columns[2].abs_max(), 0);  // no finite value
  EXPECT_DOUBLE_EQ(range_ratio(ranges.columns), 5.0 / 2);
}

TEST(Difference, OfAMatrixWithItselfIsNone) {
  const Matrix matrix(Tensor::from<float>({2, 2}, {1, -2, 3, 0}));
  const Difference same = difference_of(matrix, matrix);
  EXPECT_EQ(same.relative, 0);
  EXPECT_TRUE(std::isinf(same.sqnr_db));
  EXPECT_NEAR(same.cosine, 1, 1e-12);
  EXPECT_EQ(same.equal, 4);
}

TEST(Difference, HasKnownAnswers) {
  const Matrix matrix(Tensor::from<float>({1, 4}, {3, 4, 0, 0}));
  const Difference found = difference_of(matrix, Matrix(Tensor::from<float>({1, 4}, {3, -4, 0, 6})));
  EXPECT_DOUBLE_EQ(found.relative, 10.0 / 5);
  EXPECT_NEAR(found.sqnr_db, -20 * std::log10(2), 1e-12);
  EXPECT_NEAR(found.cosine, -7 / (5 * std::sqrt(61.0)), 1e-12);
  EXPECT_EQ(found.max_abs, 8);
  EXPECT_EQ(found.equal, 2);
  EXPECT_EQ(found.sign_changes, 1);
  EXPECT_EQ(test::expect_error([&] {
              difference_of(matrix, Matrix(Tensor::from<float>({1, 2}, {1, 2})));
            }).kind(),
            ErrorKind::InvalidInput);
}

}  // namespace
}  // namespace espalier
