#include "base/tensor.h"

#include <bit>
#include <cmath>
#include <limits>

#include "base/half.h"
#include "base/rng.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

// The value of a half by its definition (IEEE 754-2008, binary16).
double half_by_definition(uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int mantissa = bits & 1023;
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  if (exponent == 31) {
    return mantissa == 0 ? sign * std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  }
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

TEST(Half, EveryValueHasItsDefinitionAndComesBack) {
  for (uint32_t i = 0; i < 65536; ++i) {
    const auto bits = static_cast<uint16_t>(i);
    const float value = float_from_half(bits);
    const double wanted = half_by_definition(bits);
    if (std::isnan(wanted)) {
      EXPECT_TRUE(std::isnan(value)) << i;
      EXPECT_TRUE(std::isnan(float_from_half(half_from_float(value)))) << i;
    } else {
      ASSERT_EQ(value, wanted) << i;
      ASSERT_EQ(std::signbit(value), std::signbit(wanted)) << i;
      ASSERT_EQ(half_from_float(value), bits) << i;
    }
  }
}

TEST(Half, RoundsToNearestEvenBetweenNeighbours) {
  for (uint32_t i = 0; i < 0x7BFF; ++i) {
    const auto low = static_cast<uint16_t>(i);
    const auto high = static_cast<uint16_t>(i + 1);
    const float a = float_from_half(low);
    const float b = float_from_half(high);
    const float middle = a + (b - a) / 2;
    ASSERT_EQ(half_from_float(middle), (i % 2 == 0) ? low : high) << i;
    ASSERT_EQ(half_from_float(std::nextafter(middle, 0.0f)), low) << i;
    ASSERT_EQ(half_from_float(std::nextafter(middle, 1e9f)), high) << i;
  }
  EXPECT_EQ(half_from_float(65519.99f), 0x7BFF);
  EXPECT_EQ(half_from_float(65520.0f), 0x7C00);
  EXPECT_EQ(half_from_float(-1e30f), 0xFC00);
  EXPECT_EQ(half_from_float(0x1p-26f), 0);
}

TEST(Half, VectorsAgreeWithSingleValuesToTheBit) {
  std::vector<uint16_t> halves(65536 + 5);
  for (size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<uint16_t>(i);
  std::vector<std::byte> shifted(halves.size() * 2 + 1);  // not aligned
  std::memcpy(shifted.data() + 1, halves.data(), halves.size() * 2);
  std::vector<float> out(halves.size());
  floats_from_halves(shifted.data() + 1, out.data(), out.size());
  for (size_t i = 0; i < out.size(); ++i) {
    ASSERT_EQ(std::bit_cast<uint32_t>(out[i]), std::bit_cast<uint32_t>(float_from_half(halves[i]))) << i;
  }
}

TEST(BFloat16, EveryValueComesBackAndRoundingIsToNearestEven) {
  for (uint32_t i = 0; i < 65536; ++i) {
    const auto bits = static_cast<uint16_t>(i);
    const float value = float_from_bfloat16(bits);
    ASSERT_EQ(std::bit_cast<uint32_t>(value), i << 16);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(float_from_bfloat16(bfloat16_from_float(value))));
    } else {
      ASSERT_EQ(bfloat16_from_float(value), bits);
    }
  }
  EXPECT_EQ(bfloat16_from_float(std::bit_cast<float>(0x3F808000u)), 0x3F80);
  EXPECT_EQ(bfloat16_from_float(std::bit_cast<float>(0x3F818000u)), 0x3F82);
  EXPECT_EQ(bfloat16_from_float(std::bit_cast<float>(0x3F808001u)), 0x3F81);
}

TEST(Tensor, ConvertsBetweenTypes) {
  const Tensor floats = Tensor::from<float>({2, 2}, {0.5f, -2.0f, 1.0f / 3.0f, 65504.0f});
  for (const DType dtype : {DType::F64, DType::F32, DType::F16, DType::BF16}) {
    const Tensor other = floats.to(dtype);
    EXPECT_EQ(other.dtype(), dtype);
    EXPECT_EQ(other.shape(), floats.shape());
    EXPECT_EQ(other.value_at(1), -2.0);
    EXPECT_EQ(other.to_float32().value_at(0), 0.5);
  }
  EXPECT_TRUE(bit_equal(floats, floats.to(DType::F64).to(DType::F32)));
  EXPECT_EQ(floats.to_float32().bytes().data(), floats.bytes().data());
  EXPECT_EQ(Tensor::from<int64_t>({1}, {-5}).to_float32().value_at(0), -5);
  EXPECT_EQ(Tensor::from<uint8_t>({1}, {250}).value_at(0), 250);
  EXPECT_EQ(test::expect_error([&] { floats.to(DType::I8); }).kind(), ErrorKind::Internal);
}

TEST(Tensor, ReadsAPartWithoutTheRest) {
  const Tensor halves = Tensor::from<float>({5}, {0, 1, 2, 3, 4}).to(DType::F16);
  std::vector<float> part(2);
  halves.read_float32(3, part);
  EXPECT_EQ(part, (std::vector<float>{3, 4}));
  EXPECT_EQ(test::expect_error([&] { halves.read_float32(4, part); }).kind(), ErrorKind::Internal);
  halves.read_float32(5, {});
}

TEST(Tensor, RefusesWrongSizesTypesAndPlaces) {
  EXPECT_EQ(test::expect_error([] { Tensor::from<float>({3}, {1, 2}); }).kind(), ErrorKind::Internal);
  const Tensor tensor = Tensor::from<float>({2}, {1, 2});
  EXPECT_EQ(test::expect_error([&] { tensor.values<double>(); }).kind(), ErrorKind::Internal);
  EXPECT_EQ(test::expect_error([&] { tensor.value_at(2); }).kind(), ErrorKind::Internal);
  EXPECT_EQ(test::expect_error([&] { tensor.reshaped({3}); }).kind(), ErrorKind::Internal);
  EXPECT_EQ(tensor.reshaped({2, 1}).shape(), (Shape{2, 1}));
  EXPECT_FALSE(Tensor().defined());
  EXPECT_TRUE(Tensor::from<float>({0}, {}).defined());
}

TEST(Tensor, SelectsRowsColumnsAndElements) {
  const Tensor matrix = Tensor::from<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_TRUE(bit_equal(select(matrix, 0, {1}), Tensor::from<float>({1, 3}, {4, 5, 6})));
  EXPECT_TRUE(bit_equal(select(matrix, 1, {2, 0}), Tensor::from<float>({2, 2}, {3, 1, 6, 4})));
  EXPECT_TRUE(bit_equal(select(matrix, 1, {}), Tensor::from<float>({2, 0}, {})));
  EXPECT_TRUE(bit_equal(select(Tensor::from<int8_t>({3}, {7, 8, 9}), 0, {2, 2}), Tensor::from<int8_t>({2}, {9, 9})));
  EXPECT_EQ(test::expect_error([&] { select(matrix, 1, {3}); }).kind(), ErrorKind::Internal);
  EXPECT_EQ(test::expect_error([&] { select(matrix, 2, {0}); }).kind(), ErrorKind::Internal);
}

TEST(Tensor, NamesOfTypesAreThoseOfTheFormat) {
  for (const char* name : {"F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL"}) {
    DType dtype{};
    ASSERT_TRUE(dtype_from_string(name, dtype)) << name;
    EXPECT_EQ(to_string(dtype), name);
  }
  DType dtype{};
  EXPECT_FALSE(dtype_from_string("f32", dtype));
  EXPECT_EQ(to_string(Shape{30522, 384}), "[30522, 384]");
}

}  // namespace
}  // namespace espalier
