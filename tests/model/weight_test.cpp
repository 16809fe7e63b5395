#include "model/weight.h"

#include <cmath>

#include "base/rng.h"
#include "model/weight_bits.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

using test::expect_error;

Tensor random_matrix(int64_t rows, int64_t columns, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(static_cast<size_t>(rows * columns));
  for (float& value : values) value = static_cast<float>(rng.normal());
  return Tensor::from({rows, columns}, std::move(values));
}

std::vector<bool> random_flags(int64_t count, double share, uint64_t seed) {
  Rng rng(seed);
  std::vector<bool> keep(static_cast<size_t>(count));
  for (size_t i = 0; i < keep.size(); ++i) keep[i] = rng.chance(share);
  return keep;
}

// --- Codes ----------------------------------------------------------------------------------------------------------

class QuantizeEveryWidth : public testing::TestWithParam<std::tuple<int, bool>> {};

TEST_P(QuantizeEveryWidth, ErrorIsAtMostHalfAStepAndZeroIsExact) {
  const auto [bits, per_row] = GetParam();
  const Tensor values = random_matrix(13, 37, 5);
  std::vector<float> with_zeros(values.values<float>().begin(), values.values<float>().end());
  for (size_t i = 0; i < with_zeros.size(); i += 7) with_zeros[i] = 0;
  const Tensor source = Tensor::from({13, 37}, with_zeros);
  const Weight weight = quantize_symmetric(source, bits, per_row, ActivationRange::PerToken);
  const auto* form = weight.as<Quantized>();
  ASSERT_NE(form, nullptr);
  EXPECT_EQ(form->scales.numel(), per_row ? 13 : 1);
  const Tensor back = materialize(weight);
  const Tensor codes = unpacked_codes(*form);
  const int levels = (1 << (bits - 1)) - 1;
  for (int64_t i = 0; i < source.numel(); ++i) {
    const double scale = form->scales.value_at(per_row ? i / 37 : 0);
    ASSERT_LE(std::abs(back.value_at(i) - source.value_at(i)), scale / 2 * (1 + 1e-6));
    ASSERT_LE(std::abs(codes.value_at(i)), levels);
    if (source.value_at(i) == 0) {
      ASSERT_EQ(back.value_at(i), 0);
    }
  }
}

TEST_P(QuantizeEveryWidth, CodesTakeTheirBitsAndNoMore) {
  const auto [bits, per_row] = GetParam();
  const Weight weight = quantize_symmetric(random_matrix(5, 7, 1), bits, per_row, ActivationRange::Float);
  EXPECT_EQ(static_cast<int64_t>(weight.as<Quantized>()->codes.bytes().size()), (35 * bits + 7) / 8);
  EXPECT_EQ(stored_bytes(weight), (35 * bits + 7) / 8 + 4 * (per_row ? 5 : 1));
  EXPECT_EQ(num_parameters(weight), 35);
  EXPECT_EQ(macs_per_row(weight), 35);
}

TEST_P(QuantizeEveryWidth, RowsAndSelectionsAgreeWithTheWhole) {
  const auto [bits, per_row] = GetParam();
  const Weight weight = quantize_symmetric(random_matrix(6, 5, 3), bits, per_row, ActivationRange::PerToken);
  const Tensor whole = materialize(weight);
  EXPECT_TRUE(bit_equal(materialize_rows(weight, 2, 5), select(whole, 0, {2, 3, 4})));
  for (const int64_t axis : {0, 1}) {
    const Weight part = select(weight, axis, {3, 0});
    EXPECT_EQ(part.as<Quantized>()->bits, bits);
    EXPECT_TRUE(bit_equal(materialize(part), select(whole, axis, {3, 0})));
  }
}

INSTANTIATE_TEST_SUITE_P(Widths, QuantizeEveryWidth,
                         testing::Combine(testing::Values(2, 3, 4, 5, 6, 7, 8), testing::Bool()));

double squared_error(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.numel(); ++i) sum += std::pow(a.value_at(i) - b.value_at(i), 2);
  return sum;
}

TEST(Quantize, MoreBitsAreNeverWorse) {
  const Tensor values = random_matrix(40, 50, 9);
  double before = INFINITY;
  for (int bits = 2; bits <= 8; ++bits) {
    const double error =
        squared_error(materialize(quantize_symmetric(values, bits, true, ActivationRange::Float)), values);
    EXPECT_LT(error, before) << bits;
    before = error;
  }
}

// On a dense sweep of the range the largest error is half a step: methods, linear-quantization.
TEST(Quantize, LargestErrorOfARampIsHalfAStep) {
  std::vector<float> ramp(100'001);
  for (size_t i = 0; i < ramp.size(); ++i) ramp[i] = static_cast<float>(i) / 50'000.0f - 1.0f;
  for (int bits = 2; bits <= 8; ++bits) {
    const Tensor values = Tensor::from({1, 100'001}, ramp);
    const Weight weight = quantize_symmetric(values, bits, false, ActivationRange::Float);
    const Tensor back = materialize(weight);
    double largest = 0;
    for (int64_t i = 0; i < values.numel(); ++i)
      largest = std::max(largest, std::abs(back.value_at(i) - values.value_at(i)));
    const double half_step = 0.5 / ((1 << (bits - 1)) - 1);
    EXPECT_NEAR(largest, half_step, 0.01 * half_step) << bits;
  }
}

TEST(Quantize, KnownCodes) {
  const Weight weight =
      quantize_symmetric(Tensor::from<float>({1, 4}, {7, -7, 3.4f, 0.5f}), 4, false, ActivationRange::Float);
  const auto* form = weight.as<Quantized>();
  EXPECT_EQ(form->scales.value_at(0), 1.0);
  const Tensor codes = unpacked_codes(*form);
  EXPECT_EQ(codes.value_at(0), 7);
  EXPECT_EQ(codes.value_at(1), -7);
  EXPECT_EQ(codes.value_at(2), 3);
  EXPECT_EQ(codes.value_at(3), 0);  // halves go to even
  // 7 + 8 = 15, -7 + 8 = 1; 3 + 8 = 11, 0 + 8 = 8: least significant first.
  EXPECT_EQ(form->codes.value_at(0), 0x1F);
  EXPECT_EQ(form->codes.value_at(1), 0x8B);
}

TEST(Quantize, EdgesOfTheRange) {
  const Weight zeros = quantize_symmetric(Tensor::from<float>({2, 2}, {0, 0, 0, 0}), 8, true, ActivationRange::Float);
  EXPECT_EQ(zeros.as<Quantized>()->scales.value_at(0), 1.0);
  for (const float tiny : {1e-45f, 1e-43f, 2.6e-43f, 1e-38f, 1e-37f}) {
    const Tensor values = Tensor::from<float>({1, 2}, {tiny, -tiny});
    const Weight weight = quantize_symmetric(values, 8, false, ActivationRange::Float);
    const double scale = weight.as<Quantized>()->scales.value_at(0);
    EXPECT_GT(scale, 0);
    EXPECT_LE(std::abs(materialize(weight).value_at(0) - values.value_at(0)), scale / 2 * (1 + 1e-6)) << tiny;
  }
  for (const float bad : {NAN, INFINITY}) {
    const Tensor values = Tensor::from<float>({1, 2}, {1, bad});
    EXPECT_EQ(expect_error([&] { quantize_symmetric(values, 8, true, ActivationRange::Float); }).kind(),
              ErrorKind::InvalidInput);
  }
  for (const int bits : {1, 9, 0, -1, 32}) {
    EXPECT_EQ(
        expect_error([&] { quantize_symmetric(random_matrix(1, 1, 1), bits, true, ActivationRange::Float); }).kind(),
        ErrorKind::InvalidInput);
  }
}

TEST(Quantize, EmptyMatricesAreFine) {
  const Weight weight = quantize_symmetric(Tensor::from<float>({0, 4}, {}), 4, true, ActivationRange::Float);
  EXPECT_EQ(materialize(weight).shape(), (Shape{0, 4}));
}

// --- Masks ----------------------------------------------------------------------------------------------------------

TEST(Masked, KeepsWhatIsKeptAndZeroesTheRest) {
  const Tensor values = random_matrix(9, 11, 2);
  const auto keep = random_flags(99, 0.4, 3);
  const Weight weight = make_masked(values, keep);
  const auto* form = weight.as<Masked>();
  ASSERT_NE(form, nullptr);
  EXPECT_EQ(keep_flags(*form), keep);
  const auto kept = std::count(keep.begin(), keep.end(), true);
  const Tensor dense = materialize(weight);
  for (int64_t i = 0; i < 99; ++i) EXPECT_EQ(dense.value_at(i), keep[static_cast<size_t>(i)] ? values.value_at(i) : 0);
  EXPECT_EQ(num_parameters(weight), kept);
  EXPECT_EQ(macs_per_row(weight), kept);
  EXPECT_EQ(stored_bytes(weight), 13 + 4 * kept);
  EXPECT_DOUBLE_EQ(sparsity_of(weight), 1 - static_cast<double>(kept) / 99);
}

TEST(Masked, IsIdempotentAndEverythingKeptIsDense) {
  const Tensor values = random_matrix(4, 4, 2);
  const auto keep = random_flags(16, 0.5, 3);
  const Weight once = make_masked(values, keep);
  EXPECT_TRUE(bit_equal(make_masked(materialize(once), keep), once));
  const Weight all = make_masked(values, std::vector<bool>(16, true));
  ASSERT_NE(all.as<Dense>(), nullptr);
  EXPECT_TRUE(bit_equal(all.as<Dense>()->values, values));
  EXPECT_EQ(expect_error([&] { make_masked(values, std::vector<bool>(15, true)); }).kind(), ErrorKind::Internal);
}

TEST(Masked, SelectionsAgreeWithTheWhole) {
  const Weight weight = make_masked(random_matrix(6, 10, 4), random_flags(60, 0.5, 1));
  const Tensor whole = materialize(weight);
  for (const int64_t axis : {0, 1}) {
    const Weight part = select(weight, axis, {4, 1, 2});
    ASSERT_NE(part.as<Masked>(), nullptr);
    EXPECT_TRUE(bit_equal(materialize(part), select(whole, axis, {4, 1, 2})));
  }
  EXPECT_TRUE(bit_equal(materialize_rows(weight, 1, 3), select(whole, 0, {1, 2})));
}

TEST(Masked, KeptValuesAndMaskGiveItBack) {
  const Weight weight = make_masked(random_matrix(3, 5, 4), random_flags(15, 0.5, 8));
  const auto& form = *weight.as<Masked>();
  EXPECT_TRUE(bit_equal(Weight(masked_from_kept({3, 5}, kept_values(form), form.mask)), weight));
}

// --- Low rank and dense ---------------------------------------------------------------------------------------------

TEST(LowRank, IsTheProductOfItsFactors) {
  const Weight weight = LowRank{share(Dense{Tensor::from<float>({2, 1}, {2, 3})}),
                                share(Dense{Tensor::from<float>({1, 3}, {1, 10, 100})})};
  EXPECT_EQ(shape_of(weight), (Shape{2, 3}));
  EXPECT_TRUE(bit_equal(materialize(weight), Tensor::from<float>({2, 3}, {2, 20, 200, 3, 30, 300})));
  EXPECT_TRUE(bit_equal(materialize_rows(weight, 1, 2), Tensor::from<float>({1, 3}, {3, 30, 300})));
  EXPECT_EQ(num_parameters(weight), 5);
  EXPECT_EQ(macs_per_row(weight), 5);
  EXPECT_EQ(stored_bytes(weight), 20);
  EXPECT_EQ(describe(weight), "low rank 1 (dense F32, dense F32)");
}

TEST(LowRank, FactorsMayHaveAnyForm) {
  const Tensor left = random_matrix(8, 3, 1);
  const Tensor right = random_matrix(3, 6, 2);
  const Weight weight = LowRank{share(quantize_symmetric(left, 4, true, ActivationRange::Float)),
                                share(make_masked(right, random_flags(18, 0.5, 3)))};
  const Tensor whole = materialize(weight);
  for (const int64_t axis : {0, 1}) {
    const Weight part = select(weight, axis, {5, 0, 2});
    EXPECT_TRUE(bit_equal(materialize(part), select(whole, axis, {5, 0, 2})));
  }
  EXPECT_TRUE(bit_equal(materialize_rows(weight, 3, 8), select(whole, 0, {3, 4, 5, 6, 7})));
  EXPECT_TRUE(bit_equal(weight, weight));
  EXPECT_FALSE(bit_equal(weight, Weight(Dense{whole})));
}

TEST(Dense, HalvesStayHalvesUntilAsked) {
  const Weight weight = Dense{random_matrix(4, 3, 1).to(DType::F16)};
  EXPECT_EQ(materialize(weight).dtype(), DType::F32);
  EXPECT_EQ(stored_bytes(weight), 24);
  EXPECT_TRUE(bit_equal(materialize_rows(weight, 1, 3), select(materialize(weight), 0, {1, 2})));
  EXPECT_EQ(select(weight, 1, {0}).as<Dense>()->values.dtype(), DType::F16);
  EXPECT_EQ(expect_error([&] { materialize_rows(weight, 3, 5); }).kind(), ErrorKind::Internal);
  EXPECT_EQ(macs_per_row(Dense{Tensor::from<float>({3}, {1, 2, 3})}), 0);
  EXPECT_DOUBLE_EQ(sparsity_of(Dense{Tensor::from<float>({4}, {0, 2, -0.0f, 3})}), 0.5);
}

}  // namespace
}  // namespace espalier
