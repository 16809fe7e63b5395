// The library's products against plain loops: float within rounding, integers to the bit, on odd shapes and any number
// of rows.

#include "engine/onednn.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>
#include <vector>

#include "base/rng.h"
#include "engine/kernels/kernels.h"
#include "engine/onednn_products.h"

namespace espalier {
namespace {

struct Sizes {
  int64_t depth;
  int64_t columns;
};
const std::vector<Sizes> kSizes = {{1, 1}, {7, 13}, {33, 7}, {64, 96}, {48, 145}, {130, 3}, {384, 2}};
const std::vector<int64_t> kRows = {1, 2, 7, 8, 9, 23, 64, 65, 121, 200};

TEST(OneDnn, FloatProductsAgreeWithPlainLoops) {
  onednn::Packer packer;
  for (const auto& [depth, columns] : kSizes) {
    Rng rng(1);
    std::vector<float> w(static_cast<size_t>(depth * columns));
    std::vector<float> bias(static_cast<size_t>(columns));
    for (float& value : bias) value = static_cast<float>(rng.normal());
    for (int64_t c = 0; c < columns; ++c) {
      for (int64_t k = 0; k < depth; ++k) {
        w[static_cast<size_t>(c * depth + k)] =
            static_cast<float>(rng.normal() / std::sqrt(static_cast<double>(depth)));
      }
    }
    const auto packed = packer.pack(w.data(), depth, columns);
    EXPECT_GE(packed->bytes(), depth * columns * 4);
    for (const int64_t rows : kRows) {
      std::vector<float> x(static_cast<size_t>(rows * depth));
      for (float& value : x) value = static_cast<float>(rng.normal());
      std::vector<float> got(static_cast<size_t>(rows * columns));
      std::vector<float> wanted(got.size());
      kernels::reference_table().multiply_float(x.data(), w.data(), bias.data(), rows, depth, columns, wanted.data());
      ASSERT_TRUE(packed->multiply(x.data(), rows, bias.data(), got.data()));
      for (size_t i = 0; i < got.size(); ++i) {
        ASSERT_NEAR(got[i], wanted[i], 1e-5) << rows << " x " << depth << " x " << columns;
      }
    }
  }
}

TEST(OneDnn, IntegerProductsAreExact) {
  if (!kernels::processor().int8_dot) GTEST_SKIP() << "no 8-bit dot products here, so the engine does not use them";
  onednn::Packer packer;
  for (const auto& [depth, columns] : kSizes) {
    Rng rng(2);
    std::vector<int8_t> w(static_cast<size_t>(depth * columns));
    for (int8_t& code : w) code = static_cast<int8_t>(rng.chance(0.3) ? 127 : static_cast<int>(rng.below(255)) - 127);
    const auto packed = packer.pack(w.data(), depth, columns);
    for (const int64_t rows : kRows) {
      std::vector<uint8_t> x(static_cast<size_t>(rows * depth));
      for (uint8_t& code : x) code = static_cast<uint8_t>(rng.chance(0.3) ? 255 : 1 + rng.below(255));
      std::vector<int32_t> got(static_cast<size_t>(rows * columns));
      std::vector<int32_t> wanted(got.size());
      kernels::reference_table().multiply_int8(x.data(), w.data(), rows, depth, columns, wanted.data());
      ASSERT_TRUE(packed->multiply(x.data(), rows, nullptr, got.data()));
      ASSERT_EQ(got, wanted) << rows << " x " << depth << " x " << columns;
    }
  }
}

TEST(OneDnn, ARowDoesNotDependOnTheRowsBesideIt) {
  onednn::Packer packer;
  Rng rng(3);
  std::vector<float> w(384 * 96);
  std::vector<float> x(200 * 384);
  for (float& value : w) value = static_cast<float>(rng.normal());
  for (float& value : x) value = static_cast<float>(rng.normal());
  const std::vector<float> bias(96);
  const auto packed = packer.pack(w.data(), 384, 96);
  std::vector<float> all(200 * 96);
  ASSERT_TRUE(packed->multiply(x.data(), 200, bias.data(), all.data()));
  for (const int64_t rows : {1, 5, 8, 17, 100}) {
    std::vector<float> some(static_cast<size_t>(rows * 96));
    ASSERT_TRUE(packed->multiply(x.data(), rows, bias.data(), some.data()));
    EXPECT_TRUE(std::equal(some.begin(), some.end(), all.begin())) << rows;
  }
}

TEST(OneDnn, ManyThreadsShareOneMatrix) {
  onednn::Packer packer;
  const std::vector<float> w(96 * 40, 0.5F);
  const std::vector<float> bias(40, 1.0F);
  const auto packed = packer.pack(w.data(), 96, 40);
  std::vector<std::thread> threads;
  std::vector<int> wrong(8, 0);
  for (size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int64_t rows = 1; rows < 90; ++rows) {
        const std::vector<float> x(static_cast<size_t>(rows * 96), static_cast<float>(t));
        std::vector<float> y(static_cast<size_t>(rows * 40));
        if (!packed->multiply(x.data(), rows, bias.data(), y.data())) ++wrong[t];
        for (const float value : y) wrong[t] += value != 48.0F * static_cast<float>(t) + 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(8, 0));
}

TEST(OneDnn, ProductsOfWhatLiesAnyWayAgreeWithPlainLoops) {
  Rng rng(4);
  const auto fresh = [&](int64_t count) {
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) value = static_cast<float>(rng.normal());
    return values;
  };
  for (const onednn::ProductSizes& sizes : std::vector<onednn::ProductSizes>{
           {1, 1, 1}, {7, 13, 5}, {33, 64, 48}, {2, 300, 3}, {121, 1, 65}, {200, 96, 130}, {768, 32, 2}}) {
    const auto [rows, depth, columns] = sizes;
    const std::vector<float> a = fresh(rows * depth), b = fresh(depth * columns), bias = fresh(columns);
    for (const bool a_transposed : {false, true}) {
      for (const bool b_transposed : {false, true}) {
        for (const float* shift : {static_cast<const float*>(nullptr), bias.data()}) {
          std::vector<float> got(static_cast<size_t>(rows * columns), -1.0F);
          onednn::multiply(sizes, {a.data(), a_transposed}, {b.data(), b_transposed}, shift, got.data());
          for (int64_t r = 0; r < rows; ++r) {
            for (int64_t c = 0; c < columns; ++c) {
              double wanted = shift != nullptr ? shift[c] : 0;
              for (int64_t k = 0; k < depth; ++k) {
                wanted += static_cast<double>(a[static_cast<size_t>(a_transposed ? k * rows + r : r * depth + k)]) *
                          static_cast<double>(b[static_cast<size_t>(b_transposed ? c * depth + k : k * columns + c)]);
              }
              ASSERT_NEAR(got[static_cast<size_t>(r * columns + c)], wanted, 1e-4)
                  << rows << " x " << depth << " x " << columns << ", " << a_transposed << b_transposed;
            }
          }
        }
      }
    }
  }
}

TEST(OneDnn, SaysItsVersion) { EXPECT_FALSE(onednn::version().empty()); }

}  // namespace
}  // namespace espalier
