#include "compress/factorize/svd/svd.h"
#include "base/json.h"

#include <algorithm>
#include <cmath>

#include "tests/compress/small_model.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

Tensor random_matrix(int64_t rows, int64_t columns, uint64_t seed) {
  return Tensor::from<float>({rows, columns}, normal_values(static_cast<size_t>(rows * columns), seed));
}

// Frobenius distance in double precision.
double distance(const Tensor& a, const Tensor& b) {
  const auto x = a.values<float>(), y = b.values<float>();
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) sum += (static_cast<double>(x[i]) - y[i]) * (static_cast<double>(x[i]) - y[i]);
  return std::sqrt(sum);
}

double tail(const std::vector<double>& sigma, int64_t rank) {
  double sum = 0;
  for (size_t i = static_cast<size_t>(rank); i < sigma.size(); ++i) sum += sigma[i] * sigma[i];
  return std::sqrt(sum);
}

TEST(SingularValues, EckartYoung) {
  for (const auto& [rows, columns] : {std::pair<int64_t, int64_t>{40, 24}, {24, 40}, {9000, 12}}) {
    const Tensor matrix = random_matrix(rows, columns, 3);
    const SingularValues decomposition = singular_values(matrix);
    const auto full = static_cast<int64_t>(decomposition.sigma.size());
    EXPECT_EQ(full, std::min(rows, columns));
    EXPECT_TRUE(std::ranges::is_sorted(decomposition.sigma, std::greater<>()));
    double before = INFINITY;
    for (int64_t rank = 1; rank <= full; ++rank) {
      const Tensor approximation = materialize(truncate(decomposition, rank, DType::F32));
      const double error = distance(matrix, approximation);
      EXPECT_NEAR(error, tail(decomposition.sigma, rank), 1e-5 * decomposition.sigma.front()) << rank;
      EXPECT_LE(error, before + 1e-5);
      before = error;
    }
    EXPECT_LT(before, 1e-5 * decomposition.sigma.front()) << "full rank is lossless";
  }
}

TEST(SingularValues, ErrorInTheSpectralNormIsTheNextSingularValue) {
  const Tensor matrix = random_matrix(30, 20, 4);
  const SingularValues decomposition = singular_values(matrix);
  const Tensor approximation = materialize(truncate(decomposition, 7, DType::F32));
  std::vector<float> rest(600);
  for (size_t i = 0; i < 600; ++i) rest[i] = matrix.values<float>()[i] - approximation.values<float>()[i];
  const SingularValues of_rest = singular_values(Tensor::from<float>({30, 20}, rest));
  EXPECT_NEAR(of_rest.sigma.front(), decomposition.sigma[7], 1e-5);
}

TEST(SingularValues, DirectionsAreOrthonormal) {
  for (const int64_t rows : {int64_t{25}, int64_t{8500}}) {
    const SingularValues d = singular_values(random_matrix(rows, 16, 6));
    for (int64_t a = 0; a < 16; ++a) {
      for (int64_t b = 0; b <= a; ++b) {
        double right = 0, left = 0;
        for (int64_t i = 0; i < 16; ++i)
          right += d.right[static_cast<size_t>(a * 16 + i)] * d.right[static_cast<size_t>(b * 16 + i)];
        for (int64_t i = 0; i < rows; ++i)
          left += d.left[static_cast<size_t>(i * 16 + a)] * d.left[static_cast<size_t>(i * 16 + b)];
        EXPECT_NEAR(right, a == b ? 1 : 0, 1e-10);
        left /= d.sigma[static_cast<size_t>(a)] * d.sigma[static_cast<size_t>(b)];
        EXPECT_NEAR(left, a == b ? 1 : 0, 1e-8);
      }
    }
  }
}

TEST(SingularValues, TheRankOfTheMatrixIsEnough) {
  // 30 x 20 of rank 3.
  const Tensor product =
      materialize(LowRank{share(dense({30, 3}, normal_values(90, 7))), share(dense({3, 20}, normal_values(60, 8)))});
  const SingularValues decomposition = singular_values(product);
  EXPECT_LT(distance(product, materialize(truncate(decomposition, 3, DType::F32))), 1e-5);
  EXPECT_EQ(rank_for_energy(decomposition.sigma, 0.999999), 3);
}

TEST(SingularValues, Ranks) {
  EXPECT_EQ(rank_for_energy({3, 4.0 / 3, 0}, 0.8), 1);
  EXPECT_EQ(rank_for_energy({2, 2, 2, 2}, 0.5), 2);
  EXPECT_EQ(rank_for_energy({2, 2, 2, 2}, 1), 4);
  EXPECT_EQ(rank_for_energy({0, 0}, 0.5), 1);
  EXPECT_EQ(rank_for_ratio(384, 384, 0.5), 96);
  EXPECT_EQ(rank_for_ratio(1536, 384, 0.5), 153);
  EXPECT_FALSE(rank_saves(384, 384, 192));
  EXPECT_TRUE(rank_saves(384, 384, 191));
}

TEST(Svd, FactorsKeepTheAskedShareAndTheReportIsTrue) {
  const MethodResult result = apply_step(small_model(), step_of("factorize.svd", {{"by", "ratio"}, {"ratio", 0.5}}));
  for (const Json& entry : result.report.at("factorized")) {
    const auto slot = entry.at("slot").get<std::string>();
    const LowRank* factors = result.model.weight(slot).as<LowRank>();
    ASSERT_NE(factors, nullptr) << slot;
    EXPECT_EQ(shape_of(*factors->left)[1], entry.at("rank").get<int64_t>());
    EXPECT_LE(num_parameters(result.model.weight(slot)), num_parameters(small_model().weight(slot)) / 2);
    const Tensor before = materialize(small_model().weight(slot)), after = materialize(result.model.weight(slot));
    const Tensor zero =
        Tensor::from<float>(before.shape(), std::vector<float>(static_cast<size_t>(before.numel()), 0.0F));
    EXPECT_NEAR(distance(before, after) / distance(before, zero), entry.at("relative_error").get<double>(), 1e-5)
        << slot;
  }
  EXPECT_EQ(result.report.at("factorized").size(), 4U * 6 + 1);
}

TEST(Svd, SkipsWhatSavesNothingAndSaysWhy) {
  const MethodResult result = apply_step(small_model(), step_of("factorize.svd", {{"by", "rank"}, {"rank", 16}}));
  // 32 x 32 at rank 16 holds 1024 numbers either way; 64 x 32 at 16 holds 1536 instead of 2048.
  EXPECT_EQ(result.report.at("factorized").size(), 8U);
  EXPECT_EQ(result.report.at("skipped").size(), 17U);
  EXPECT_NE(result.report.at("skipped").at(0).at("reason").get<std::string>().find("saves nothing"), std::string::npos);
  EXPECT_TRUE(bit_equal(result.model.weight("encoder.0.attention.q_proj.weight"),
                        small_model().weight("encoder.0.attention.q_proj.weight")));
}

TEST(Svd, EnergyBoundsTheError) {
  const MethodResult result = apply_step(small_model(), step_of("factorize.svd", {{"by", "energy"}, {"energy", 0.7}}));
  EXPECT_FALSE(result.report.at("factorized").empty());
  for (const Json& entry : result.report.at("factorized")) {
    EXPECT_GE(entry.at("energy_frac").get<double>(), 0.7);
    const double error = entry.at("relative_error").get<double>();
    EXPECT_NEAR(error * error + entry.at("energy_frac").get<double>(), 1, 1e-12);
  }
}

TEST(Svd, EmbeddingsBecomeAFactorizedTable) {
  Step step = step_of("factorize.svd", {{"by", "rank"}, {"rank", 8}, {"embeddings", true}});
  step.scope.parts = {"embeddings"};
  const MethodResult result = apply_step(small_model(), step);
  ASSERT_NE(result.model.weight("embeddings.word.weight").as<LowRank>(), nullptr);
  EXPECT_EQ(num_parameters(result.model.weight("embeddings.word.weight")), 200 * 8 + 8 * 32);
  // The engine runs it as what it stands for.
  EXPECT_LT(largest_difference(engine_logits(result.model), engine_logits(materialized(result.model))), 1e-4);
}

TEST(Svd, ComposesWithMasksFactorsAndCodes) {
  const Step factorize = step_of("factorize.svd", {{"by", "rank"}, {"rank", 8}});
  const Model pruned = apply_step(small_model(), step_of("prune.magnitude", {{"sparsity", 0.3}})).model;
  const Model factored = apply_step(pruned, factorize).model;
  ASSERT_NE(factored.weight("encoder.0.ffn.in_proj.weight").as<LowRank>(), nullptr);
  const Model again = apply_step(factored, step_of("factorize.svd", {{"by", "rank"}, {"rank", 4}})).model;
  EXPECT_EQ(shape_of(*again.weight("encoder.0.ffn.in_proj.weight").as<LowRank>()->left), (Shape{64, 4}));
  EXPECT_TRUE(apply_step(factored, factorize).report.at("factorized").empty()) << "nothing left to save";
  const Model codes = apply_step(again, step_of("quantize.q8", Json::object())).model;
  const LowRank* factors = codes.weight("encoder.0.ffn.in_proj.weight").as<LowRank>();
  ASSERT_NE(factors, nullptr);
  EXPECT_NE(factors->left->as<Quantized>(), nullptr);
  EXPECT_NE(issues_of(codes, factorize).find("integer codes"), std::string::npos);
  EXPECT_LT(largest_difference(engine_logits(codes), engine_logits(again)), 0.5);
}

}  // namespace
}  // namespace espalier::test
