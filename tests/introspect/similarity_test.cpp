#include "introspect/similarity.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "base/rng.h"
#include "introspect/attention_measures.h"
#include "introspect/channel_activity.h"
#include "network/network.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

at::Tensor random_matrix(int64_t rows, int64_t cols, uint64_t seed) {
  Rng rng(seed);
  at::Tensor values = at::empty({rows, cols}, at::kDouble);
  for (int64_t i = 0; i < rows * cols; ++i) values.data_ptr<double>()[i] = rng.normal();
  return values;
}

Tensor plain(const at::Tensor& values) { return from_torch(values.to(at::kFloat)); }

// The alignment of two matrices given in batches of 7 rows.
double cka(const at::Tensor& x, const at::Tensor& y, int64_t max_bytes = 1 << 20) {
  int runs = 0;
  const RepresentationStream stream = [&](const auto& take) {
    ++runs;
    for (int64_t begin = 0; begin < x.size(0); begin += 7) {
      const int64_t count = std::min<int64_t>(7, x.size(0) - begin);
      take({plain(x.narrow(0, begin, count))}, {plain(y.narrow(0, begin, count))});
    }
  };
  const double value = linear_cka(stream, 1, 1, max_bytes)[0][0];
  EXPECT_EQ(runs, max_bytes == 1 ? 3 : 1);
  return value;
}

TEST(Cka, IsTheFormulaOfCenteredGramMatrices) {
  const at::Tensor x = random_matrix(40, 5, 1) + 3, y = random_matrix(40, 8, 2) + at::matmul(x, random_matrix(5, 8, 3));
  const at::Tensor centering = at::eye(40, at::kDouble) - at::ones({40, 40}, at::kDouble) / 40;
  const auto gram = [&](const at::Tensor& z) {
    return at::matmul(centering, at::matmul(at::matmul(z, z.t()), centering));
  };
  const at::Tensor k = gram(x), l = gram(y);
  const double wanted = ((k * l).sum() / (k.norm() * l.norm())).item<double>();
  EXPECT_NEAR(cka(x, y), wanted, 1e-6);
  EXPECT_GT(wanted, 0.1);
  EXPECT_LT(wanted, 0.99);
}

TEST(Cka, IsOneWithItselfRotatedScaledAndShifted) {
  const at::Tensor x = random_matrix(50, 6, 4);
  EXPECT_NEAR(cka(x, x), 1, 1e-9);
  const at::Tensor rotation = std::get<0>(at::linalg_qr(random_matrix(6, 6, 5)));
  EXPECT_NEAR(cka(x, at::matmul(x, rotation) * 3.5 + 100), 1, 1e-5);
}

TEST(Cka, SeesAStretch) {
  // No invariance to linear maps: that is what Kornblith's paper wants of it.
  const at::Tensor x = random_matrix(200, 4, 6);
  at::Tensor stretched = x.clone();
  stretched.select(1, 0).mul_(20);
  EXPECT_LT(cka(x, stretched), 0.8);
}

TEST(Cka, OfNothingInCommonIsSmall) {
  EXPECT_LT(cka(random_matrix(2000, 3, 7), random_matrix(2000, 3, 8)), 0.02);
  EXPECT_EQ(cka(at::ones({30, 3}, at::kDouble), random_matrix(30, 3, 9)), 0);
}

TEST(Cka, RunsTheStreamAgainWhereSumsDoNotFit) {
  const at::Tensor x = random_matrix(30, 5, 10), y = random_matrix(30, 4, 11);
  EXPECT_DOUBLE_EQ(cka(x, y, 1), cka(x, y));
}

TEST(Cka, OfOneModelIsSymmetric) {
  const at::Tensor x = random_matrix(30, 5, 12), y = random_matrix(30, 3, 13);
  const RepresentationStream stream = [&](const auto& take) { take({plain(x), plain(y)}, {}); };
  const auto values = linear_cka(stream, 2, 0);
  EXPECT_EQ(values[0][0], 1);
  EXPECT_EQ(values[1][1], 1);
  EXPECT_EQ(values[0][1], values[1][0]);
  EXPECT_NEAR(values[0][1], cka(x, y), 1e-9);
}

TEST(AttentionMeasures, HaveKnownAnswers) {
  // Queries and keys: [CLS] a b [SEP]; one head.
  const std::vector<bool> special = {true, false, false, true};
  const Tensor shares = Tensor::from<float>({1, 4, 4}, {1, 0, 0, 0, 0.5f, 0, 0.5f, 0, 0, 0.25f, 0, 0.75f, 0, 0, 0, 1});
  const HeadMeasures measures = attention_measures(shares, special, special, false)[0];
  const auto value = [&](AttentionMeasure measure) { return measures[static_cast<size_t>(measure)]; };
  // Rows of a: half [CLS], half b. Of b: a quarter a, three quarters [SEP].
  EXPECT_NEAR(value(AttentionMeasure::Entropy), (std::log(2) - 0.25 * std::log(0.25) - 0.75 * std::log(0.75)) / 2,
              1e-6);
  EXPECT_NEAR(value(AttentionMeasure::Distance), 1, 1e-6);
  EXPECT_NEAR(value(AttentionMeasure::First), 0.25, 1e-6);
  EXPECT_NEAR(value(AttentionMeasure::Separators), 0.375, 1e-6);
  EXPECT_NEAR(value(AttentionMeasure::Previous), (0.5 + 0.25) / 2, 1e-6);
  EXPECT_NEAR(value(AttentionMeasure::Next), (0.5 + 0.75) / 2, 1e-6);
  const HeadMeasures cross = attention_measures(shares, special, special, true)[0];
  EXPECT_TRUE(std::isnan(cross[static_cast<size_t>(AttentionMeasure::Distance)]));
  EXPECT_NEAR(cross[static_cast<size_t>(AttentionMeasure::First)], 0.25, 1e-6);
}

TEST(RunningMean, HasTheIntervalOfTheNormalDistribution) {
  RunningMean mean;
  mean.add(3);
  EXPECT_EQ(mean.half_width(), 0);
  for (const double value : {5.0, 7.0, 9.0}) mean.add(value);
  EXPECT_DOUBLE_EQ(mean.mean(), 6);
  EXPECT_NEAR(mean.half_width(), 1.959964 * std::sqrt(20.0 / 3 / 4), 1e-6);
}

TEST(ChannelActivity, QuantilesOfMagnitudesAreThoseOfTheSortedValues) {
  ActivityCounter counter;
  std::vector<double> magnitudes;
  Rng rng(3);
  for (int batch = 0; batch < 3; ++batch) {
    std::vector<float> values;
    for (int i = 0; i < 8000; ++i) values.push_back(i % 50 == 0 ? 0.F : static_cast<float>(rng.normal() * 3 - 1));
    for (const float value : values) magnitudes.push_back(std::abs(value));
    counter.add_range(0, Tensor::from({1000, 8}, std::move(values)));
  }
  std::ranges::sort(magnitudes);
  for (const double share : {0.01, 0.5, 0.99, 0.999, 1.0}) {
    const double exact = magnitudes[static_cast<size_t>(std::ceil(share * 24000)) - 1];
    EXPECT_NEAR(counter.abs_quantile(0, share), exact, 1e-3 * exact) << share;
  }
}

TEST(ChannelActivity, FindsAPlantedChannel) {
  // 200 tokens of 40 channels in 4 layers; channel 7 is large for a tenth of the tokens of layers 1 and 2.
  ActivityCounter counter;
  std::vector<std::vector<Tensor>> layers(4);
  Rng rng(1);
  for (size_t layer = 0; layer < 4; ++layer) {
    for (int batch = 0; batch < 4; ++batch) {
      std::vector<float> values;
      for (int token = 0; token < 50; ++token) {
        for (int channel = 0; channel < 40; ++channel) values.push_back(static_cast<float>(rng.normal() * 0.5 + 0.1));
        if (token % 10 == 0 && (layer == 1 || layer == 2)) values[values.size() - 40 + 7] = -12;
      }
      layers[layer].push_back(Tensor::from({50, 40}, std::move(values)));
      counter.add_range(layer, layers[layer].back());
    }
  }
  for (size_t layer = 0; layer < 4; ++layer) {
    for (const Tensor& values : layers[layer]) counter.add_outliers(layer, values);
  }
  EXPECT_EQ(counter.outlier_features(), (std::vector<int64_t>{7}));
  const LayerActivity& planted = counter.layers()[1];
  EXPECT_EQ(planted.tokens, 200);
  EXPECT_EQ(planted.min, -12);
  EXPECT_EQ(planted.channels[7].min, -12);
  EXPECT_EQ(planted.channels[7].outliers, 20);
  EXPECT_EQ(planted.channels[8].outliers, 0);
  EXPECT_EQ(counter.layers()[0].channels[7].outliers, 0);
  // Moments joined over batches are those of all values.
  double sum = 0, squares = 0;
  for (const Tensor& values : layers[1]) {
    for (const float value : values.values<float>()) {
      sum += value;
      squares += static_cast<double>(value) * value;
    }
  }
  EXPECT_NEAR(planted.mean, sum / 8000, 1e-9);
  EXPECT_NEAR(planted.std, std::sqrt(squares / 8000 - std::pow(sum / 8000, 2)), 1e-9);
}

}  // namespace
}  // namespace espalier
