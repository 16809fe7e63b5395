#include "measure/correlation.h"

#include <cmath>

#include "tests/support/support.h"

namespace espalier::test {
namespace {

TEST(Correlation, RanksWithTiesAreMeans) {
  EXPECT_NEAR(spearman({1, 2, 2, 3}, {1, 2, 3, 4}), 4.5 / std::sqrt(4.5 * 5), 1e-12);
  EXPECT_NEAR(spearman({1, 2, 3, 4}, {1, 8, 27, 64}), 1, 1e-12);
  EXPECT_NEAR(pearson({1, 2, 3}, {6, 4, 2}), -1, 1e-12);
  EXPECT_EQ(pearson({1, 1, 1}, {1, 2, 3}), 0);
}

TEST(Correlation, OfTheExamplesChosen) {
  const std::vector<double> a = {1, 2, 3, 9}, b = {6, 4, 2, 100};
  const Statistic statistic = correlation_of(pearson, a, b);
  const std::vector<uint32_t> chosen = {0, 1, 2, 2};
  EXPECT_NEAR(statistic(chosen), -1, 1e-12);
  EXPECT_NEAR(statistic(all_examples(4)), pearson(a, b), 1e-15);
}

}  // namespace
}  // namespace espalier::test
