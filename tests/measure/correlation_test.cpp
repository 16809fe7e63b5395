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

TEST(Correlation, KendallHasKnownValues) {
  EXPECT_DOUBLE_EQ(kendall_tau_b({1, 2, 3, 4}, {10, 20, 30, 40}), 1);
  EXPECT_DOUBLE_EQ(kendall_tau_b({1, 2, 3, 4}, {4, 3, 2, 1}), -1);
  // One of six pairs is turned around.
  EXPECT_NEAR(kendall_tau_b({1, 2, 3, 4}, {1, 2, 4, 3}), 4.0 / 6, 1e-12);
  // 12 2 1 12 2 against 1 4 7 1 0: two pairs agree, six do not, one tie on the left alone, one on both sides; so
  // (2 - 6) / sqrt(8 * 9).
  EXPECT_NEAR(kendall_tau_b({12, 2, 1, 12, 2}, {1, 4, 7, 1, 0}), -4 / std::sqrt(8.0 * 9.0), 1e-12);
  EXPECT_EQ(kendall_tau_b({1, 1, 1}, {1, 2, 3}), 0);
  EXPECT_EQ(kendall_tau_b({}, {}), 0);
}

TEST(Correlation, KendallIsTheCountOfPairs) {
  Rng rng(5);
  for (int round = 0; round < 50; ++round) {
    std::vector<double> a, b;
    for (uint64_t i = 0; i < 2 + rng.below(40); ++i) {
      a.push_back(static_cast<double>(rng.below(12)));  // with many ties
      b.push_back(static_cast<double>(rng.below(12)));
    }
    double difference = 0, untied_a = 0, untied_b = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        const double product = (a[i] - a[j]) * (b[i] - b[j]);
        difference += product > 0 ? 1 : product < 0 ? -1 : 0;
        untied_a += a[i] != a[j];
        untied_b += b[i] != b[j];
      }
    }
    const double wanted = untied_a * untied_b > 0 ? difference / std::sqrt(untied_a * untied_b) : 0;
    EXPECT_NEAR(kendall_tau_b(a, b), wanted, 1e-12);
  }
}

}  // namespace
}  // namespace espalier::test
