// Every fast kernel against the plain one on random shapes, odd widths included, within a bound stated per kernel.

#include "engine/kernels/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "base/rng.h"
#include "base/tensor.h"

namespace espalier::kernels {
namespace {

std::vector<const Table*> fast_tables() {
  std::vector<const Table*> tables;
#ifdef __x86_64__
  if (processor().avx2) tables.push_back(&avx2_table());
  if (processor().avx512) tables.push_back(&avx512_table());
#endif
  return tables;
}

std::vector<float> normals(int64_t count, uint64_t seed, double spread = 1) {
  Rng rng(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(spread * rng.normal());
  return values;
}

// Largest |a - b| over max(1, |b|).
double worst(const std::vector<float>& a, const std::vector<float>& b) {
  double most = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!(std::fabs(a[i] - b[i]) <= 1e30)) return 1e30;
    most = std::max(most, double{std::fabs(a[i] - b[i])} / std::max(1.0, std::fabs(double{b[i]})));
  }
  return most;
}

const std::vector<int64_t> kWidths = {1, 7, 8, 13, 16, 31, 33, 64, 100, 384};

class Kernels : public testing::TestWithParam<const Table*> {
 protected:
  const Table& fast() const { return *GetParam(); }
  const Table& plain() const { return reference_table(); }
};

TEST_P(Kernels, ActivationsAgreeOverTheirWholeRange) {
  for (const Activation activation : {Activation::None, Activation::Gelu, Activation::GeluTanh, Activation::Relu,
                                      Activation::Silu, Activation::Tanh}) {
    std::vector<float> values;
    for (int i = -12000; i <= 12000; ++i) values.push_back(static_cast<float>(i) * 1e-3F);
    for (const float edge : {1e-8F, -1e-8F, 60.0F, -60.0F, 1e4F, -1e4F}) values.push_back(edge);
    std::vector<float> wanted = values;
    fast().bias_activation(values.data(), 1, static_cast<int64_t>(values.size()), nullptr, activation);
    plain().bias_activation(wanted.data(), 1, static_cast<int64_t>(wanted.size()), nullptr, activation);
    // Gelu cancels at -5.5, where the true value is 0: a rounding of 5.5 is left.
    EXPECT_LE(worst(values, wanted), 1e-6) << static_cast<int>(activation);
  }
}

TEST_P(Kernels, BiasIsAddedBeforeTheActivation) {
  for (const int64_t columns : kWidths) {
    std::vector<float> x = normals(5 * columns, 1);
    std::vector<float> wanted = x;
    const std::vector<float> bias = normals(columns, 2);
    fast().bias_activation(x.data(), 5, columns, bias.data(), Activation::Gelu);
    plain().bias_activation(wanted.data(), 5, columns, bias.data(), Activation::Gelu);
    EXPECT_LE(worst(x, wanted), 5e-7) << columns;
  }
}

TEST_P(Kernels, NormsAgree) {
  for (const int64_t columns : kWidths) {
    const std::vector<float> x = normals(3 * columns, 3, 2);
    const std::vector<float> residual = normals(3 * columns, 4);
    const std::vector<float> shift = normals(columns, 5);
    const std::vector<float> weight = normals(columns, 6);
    const std::vector<float> bias = normals(columns, 7);
    for (const bool both : {false, true}) {
      std::vector<float> got(x.size());
      std::vector<float> wanted(x.size());
      for (const auto& [table, out] : {std::pair{&fast(), &got}, std::pair{&plain(), &wanted}}) {
        table->add_norm(x.data(), both ? residual.data() : nullptr, both ? shift.data() : nullptr, weight.data(),
                        bias.data(), 1e-5F, 3, columns, out->data());
      }
      EXPECT_LE(worst(got, wanted), 5e-6) << columns;
    }
  }
}

TEST_P(Kernels, NormMayWriteOverItsInput) {
  const std::vector<float> ones(33, 1.0F);
  const std::vector<float> zeros(33, 0.0F);
  std::vector<float> x = normals(2 * 33, 8);
  const std::vector<float> residual = normals(2 * 33, 9);
  std::vector<float> apart(x.size());
  fast().add_norm(x.data(), residual.data(), nullptr, ones.data(), zeros.data(), 1e-5F, 2, 33, apart.data());
  fast().add_norm(x.data(), residual.data(), nullptr, ones.data(), zeros.data(), 1e-5F, 2, 33, x.data());
  EXPECT_EQ(x, apart);
}

TEST_P(Kernels, QuantizedCodesAreTheSame) {
  for (const int64_t columns : kWidths) {
    std::vector<float> x = normals(4 * columns, 10, 3);
    std::fill_n(x.begin() + columns, columns, 0.0F);  // a row of zeros
    std::vector<float> got_most(4);
    std::vector<float> most(4);
    fast().row_max_abs(x.data(), 4, columns, got_most.data());
    plain().row_max_abs(x.data(), 4, columns, most.data());
    ASSERT_EQ(got_most, most) << columns;
    std::vector<uint8_t> got(x.size());
    std::vector<uint8_t> wanted(x.size());
    std::vector<float> got_scale(4);
    std::vector<float> scale(4);
    fast().quantize(x.data(), 4, columns, most.data(), got.data(), got_scale.data());
    plain().quantize(x.data(), 4, columns, most.data(), wanted.data(), scale.data());
    EXPECT_EQ(got, wanted) << columns;
    EXPECT_EQ(got_scale, scale);
    for (size_t i = 0; i < x.size(); ++i) {
      const size_t row = i / static_cast<size_t>(columns);
      EXPECT_LE(std::fabs(scale[row] * static_cast<float>(got[i] - 128) - x[i]), 0.5001F * scale[row]);
    }
  }
}

TEST_P(Kernels, RangesSmallerThanARowClampIt) {
  const std::vector<float> x = {-10, 10, 0.5F};
  const float most = 1;
  float scale = 0;
  std::vector<uint8_t> codes(3);
  fast().quantize(x.data(), 1, 3, &most, codes.data(), &scale);
  EXPECT_EQ(codes, (std::vector<uint8_t>{1, 255, 192}));  // 63.5 rounds to the even 64
}

TEST_P(Kernels, DequantizedSumsAgree) {
  for (const int64_t columns : kWidths) {
    Rng rng(11);
    std::vector<float> got(static_cast<size_t>(3 * columns));
    std::vector<int32_t> compensation(static_cast<size_t>(columns));
    for (int32_t& value : compensation) value = static_cast<int32_t>(rng.below(4000)) - 2000;
    for (float& value : got) {
      const int32_t sum = static_cast<int32_t>(rng.below(200000)) - 100000;
      std::memcpy(&value, &sum, sizeof sum);
    }
    std::vector<float> wanted = got;
    const std::vector<float> rows = {1e-3F, 2e-2F, 1e-4F};
    std::vector<float> columns_scale = normals(columns, 12, 1e-2);
    for (float& value : columns_scale) value = std::fabs(value);
    const std::vector<float> bias = normals(columns, 13);
    const IntegerScales scales{rows.data(), columns_scale.data(), compensation.data()};
    fast().dequantize(got.data(), 3, columns, scales, bias.data(), Activation::Tanh);
    plain().dequantize(wanted.data(), 3, columns, scales, bias.data(), Activation::Tanh);
    EXPECT_LE(worst(got, wanted), 2e-6) << columns;
  }
}

TEST_P(Kernels, NormsWithoutMeanSumsAndProductsAgree) {
  for (const int64_t columns : kWidths) {
    const std::vector<float> x = normals(3 * columns, 31), residual = normals(3 * columns, 32);
    const std::vector<float> shift = normals(columns, 33), weight = normals(columns, 34), bias = normals(columns, 35);
    for (const bool with_residual : {false, true}) {
      const float* added = with_residual ? residual.data() : nullptr;
      std::vector<float> got(x.size()), wanted(x.size());
      fast().add_rms_norm(x.data(), added, weight.data(), 1e-6F, 3, columns, got.data());
      plain().add_rms_norm(x.data(), added, weight.data(), 1e-6F, 3, columns, wanted.data());
      EXPECT_LE(worst(got, wanted), 3e-6) << columns;
      fast().add_affine(x.data(), added, shift.data(), weight.data(), bias.data(), 3, columns, got.data());
      plain().add_affine(x.data(), added, shift.data(), weight.data(), bias.data(), 3, columns, wanted.data());
      EXPECT_LE(worst(got, wanted), 1e-6) << columns;
      fast().add_affine(x.data(), added, nullptr, nullptr, nullptr, 3, columns, got.data());
      plain().add_affine(x.data(), added, nullptr, nullptr, nullptr, 3, columns, wanted.data());
      EXPECT_LE(worst(got, wanted), 1e-6) << columns;
    }
    std::vector<float> got = x, wanted = x;
    fast().multiply_by(got.data(), residual.data(), 3 * columns);
    plain().multiply_by(wanted.data(), residual.data(), 3 * columns);
    EXPECT_EQ(got, wanted);
  }
}

TEST_P(Kernels, DecodedRowsAreExact) {
  for (const int64_t columns : kWidths) {
    Rng rng(15);
    std::vector<uint16_t> halves(static_cast<size_t>(columns));
    std::vector<uint16_t> brains(static_cast<size_t>(columns));
    std::vector<int8_t> codes(static_cast<size_t>(columns));
    for (size_t i = 0; i < halves.size(); ++i) {
      halves[i] = half_from_float(static_cast<float>(rng.normal()));
      brains[i] = bfloat16_from_float(static_cast<float>(rng.normal()));
      codes[i] = static_cast<int8_t>(static_cast<int>(rng.below(255)) - 127);
    }
    std::vector<float> got(halves.size());
    std::vector<float> wanted(halves.size());
    fast().decode_half(halves.data(), columns, got.data());
    plain().decode_half(halves.data(), columns, wanted.data());
    EXPECT_EQ(got, wanted);
    fast().decode_bfloat16(brains.data(), columns, got.data());
    plain().decode_bfloat16(brains.data(), columns, wanted.data());
    EXPECT_EQ(got, wanted);
    fast().decode_int8(codes.data(), columns, 0.037F, got.data());
    plain().decode_int8(codes.data(), columns, 0.037F, wanted.data());
    EXPECT_EQ(got, wanted);
  }
}

TEST_P(Kernels, IntegerProductsAreExact) {
  if (!fast().multiply_int8) GTEST_SKIP() << "products by oneDNN";
  for (const int64_t rows : {1, 3, 4, 9}) {
    for (const int64_t depth : {1, 2, 7, 33, 96, 2100}) {
      for (const int64_t columns : {1, 7, 8, 13, 16, 33}) {
        Rng rng(16);
        std::vector<uint8_t> x(static_cast<size_t>(rows * depth));
        std::vector<int8_t> w(static_cast<size_t>(columns * depth));
        for (uint8_t& code : x) code = static_cast<uint8_t>(rng.chance(0.3) ? 255 : 1 + rng.below(255));
        for (int8_t& code : w)
          code = static_cast<int8_t>(rng.chance(0.3) ? 127 : static_cast<int>(rng.below(255)) - 127);
        std::vector<int8_t> packed(static_cast<size_t>(fast().packed_int8_bytes(depth, columns)));
        fast().pack_int8(w.data(), depth, columns, packed.data());
        std::vector<int32_t> got(static_cast<size_t>(rows * columns));
        std::vector<int32_t> wanted(got.size());
        fast().multiply_int8(x.data(), packed.data(), rows, depth, columns, got.data());
        plain().multiply_int8(x.data(), w.data(), rows, depth, columns, wanted.data());
        ASSERT_EQ(got, wanted) << rows << " x " << depth << " x " << columns;
      }
    }
  }
}

// Products on tiles against the plain product and the plain way out of it; bytes behind a row's depth and behind the
// last row hold anything.
TEST(Tiles, ProductsAgreeWithPlainOnes) {
  if (!processor().amx) GTEST_SKIP() << "no AMX here";
  const TileProducts& tiles = *fastest_table().tiles;
  const Table& plain = reference_table();
  const auto rounded = [](int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; };
  for (const auto& [depth, columns] : std::vector<std::pair<int64_t, int64_t>>{
           {1, 1}, {7, 13}, {64, 32}, {64, 16}, {65, 33}, {130, 3}, {192, 145}, {768, 96}}) {
    Rng rng(11);
    std::vector<int8_t> w(static_cast<size_t>(depth * columns));
    for (int8_t& code : w) code = static_cast<int8_t>(rng.chance(0.3) ? -127 : static_cast<int>(rng.below(255)) - 127);
    std::vector<int8_t> packed(static_cast<size_t>(tiles.packed_bytes(depth, columns)));
    tiles.pack(w.data(), depth, columns, packed.data());
    std::vector<int32_t> compensation(static_cast<size_t>(columns));
    for (int64_t c = 0; c < columns; ++c) {
      for (int64_t k = 0; k < depth; ++k)
        compensation[static_cast<size_t>(c)] += 128 * w[static_cast<size_t>(c * depth + k)];
    }
    const std::vector<float> bias = normals(columns, 1);
    std::vector<float> column_scale = normals(columns, 2, 1e-2);
    for (const int64_t rows : {1, 2, 15, 16, 17, 32, 33, 48, 70, 256}) {
      const int64_t stride = rounded(depth, kTileDepthMultiple);
      std::vector<uint8_t> x(static_cast<size_t>(rounded(rows, kTileRowMultiple) * stride), 77);
      std::vector<uint8_t> dense;
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t k = 0; k < depth; ++k) {
          dense.push_back(static_cast<uint8_t>(rng.chance(0.3) ? 255 : rng.below(256)));
          x[static_cast<size_t>(r * stride + k)] = dense.back();
        }
      }
      const std::vector<float> row_scale = normals(rows, 3, 1e-2);
      const IntegerScales scales{row_scale.data(), column_scale.data(), compensation.data()};
      for (const Activation activation : {Activation::None, Activation::Gelu, Activation::GeluTanh, Activation::Relu,
                                          Activation::Silu, Activation::Tanh}) {
        const float* shift = activation == Activation::Relu ? nullptr : bias.data();
        // A value behind the last must stay.
        std::vector<float> got(static_cast<size_t>(rows * columns) + 1, 123.0F);
        tiles.multiply(x.data(), stride, packed.data(), rows, depth, columns, scales, shift, activation, got.data());
        EXPECT_EQ(got.back(), 123.0F);
        got.pop_back();
        std::vector<float> wanted(got.size());
        plain.multiply_int8(dense.data(), w.data(), rows, depth, columns, reinterpret_cast<int32_t*>(wanted.data()));
        plain.dequantize(wanted.data(), rows, columns, scales, shift, activation);
        ASSERT_LE(worst(got, wanted), 2e-6) << rows << " x " << depth << " x " << columns;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Fast, Kernels, testing::ValuesIn(fast_tables()),
                         [](const auto& table) { return std::string(table.param->name); });
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Kernels);

}  // namespace
}  // namespace espalier::kernels
