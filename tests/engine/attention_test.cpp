// Attention of one head, in float32 and in bfloat16, against the plain kernel.

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "base/rng.h"
#include "base/tensor.h"
#include "engine/kernels/kernels.h"

namespace espalier::kernels {
namespace {

struct Fast {
  std::string name;
  const Table* table = nullptr;
  void (*attend)(const AttentionArgs& args) = nullptr;
};

std::vector<Fast> fast_ones() {
  std::vector<Fast> found;
#ifdef __x86_64__
  if (processor().avx2) found.push_back({"avx2", &avx2_table(), avx2_table().attention});
  if (processor().avx512) found.push_back({"avx512", &avx512_table(), avx512_table().attention});
#endif
  return found;
}

struct Shape {
  int64_t keys = 1;
  int64_t head_dim = 1;
  int64_t queries = 1;  // the last ones of the sequence
  bool causal = false;
  bool biased = false;
  double spread = 1;      // of queries, keys and values
  bool bfloat16 = false;  // these hold no more than bfloat16 does

  int64_t past() const { return keys - queries; }
};

std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  return out << shape.keys << " keys, " << shape.queries << " queries, head of " << shape.head_dim
             << (shape.causal ? ", causal" : "") << (shape.biased ? ", biased" : "");
}

template <typename Check>
void for_shapes(const std::vector<int64_t>& keys, const std::vector<int64_t>& head_dims, Check check) {
  for (const int64_t n : keys) {
    for (const int64_t h : head_dims) {
      for (const int64_t queries : {int64_t{1}, std::min<int64_t>(n, 5), n}) {
        for (const bool causal : {false, true}) {
          for (const bool biased : {false, true}) check(Shape{n, h, queries, causal, biased});
        }
      }
    }
  }
}

std::vector<float> normals(int64_t count, const Shape& shape, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) {
    value = static_cast<float>(shape.spread * rng.normal());
    if (shape.bfloat16) value = std::bit_cast<float>(uint32_t{bfloat16_from_float(value)} << 16);
  }
  return values;
}

struct Attended {
  std::vector<float> out;            // (queries, head_dim)
  std::vector<float> probabilities;  // (queries, keys)
};

Attended attend(void (*kernel)(const AttentionArgs&), const Table& table, const Shape& shape) {
  const int64_t stride = 3 * shape.head_dim + 5;
  const auto seed = static_cast<uint64_t>(shape.keys * 100 + shape.head_dim);
  const std::vector<float> qkv = normals(shape.keys * stride, shape, seed);
  const std::vector<float> bias = normals(2 * shape.keys - 1, shape, 21);
  std::vector<float> scratch(static_cast<size_t>(table.attention_scratch(shape.keys, shape.head_dim)), NAN);
  Attended made;
  made.out.resize(static_cast<size_t>(shape.queries * shape.head_dim));
  made.probabilities.resize(static_cast<size_t>(shape.queries * shape.keys));
  kernel({.q = qkv.data() + shape.past() * stride,
          .k = qkv.data() + shape.head_dim,
          .v = qkv.data() + 2 * shape.head_dim,
          .out = made.out.data(),
          .probabilities = made.probabilities.data(),
          .scratch = scratch.data(),
          .q_stride = stride,
          .kv_stride = stride,
          .out_stride = shape.head_dim,
          .queries = shape.queries,
          .keys = shape.keys,
          .head_dim = shape.head_dim,
          .scale = 1.0F / std::sqrt(static_cast<float>(shape.head_dim)),
          .relative = shape.biased ? bias.data() + shape.keys - 1 - shape.past() : nullptr,
          .causal = shape.causal,
          .past = shape.past()});
  return made;
}

Attended plain(const Shape& shape) { return attend(reference_table().attention, reference_table(), shape); }

// Largest |a - b|, or infinity where there is something else than a number.
double worst(const std::vector<float>& a, const std::vector<float>& b) {
  double most = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = std::fabs(double{a[i]} - double{b[i]});
    if (!std::isfinite(difference)) return INFINITY;
    most = std::max(most, difference);
  }
  return most;
}

class Attention : public testing::TestWithParam<Fast> {
 protected:
  static Attended fast(const Shape& shape) { return attend(GetParam().attend, *GetParam().table, shape); }
};

TEST_P(Attention, AgreesOnUnevenShapes) {
  for_shapes({1, 2, 7, 15, 16, 17, 33, 64, 70, 130}, {1, 7, 8, 13, 16, 32, 33, 40, 64, 80}, [](const Shape& shape) {
    const Attended got = fast(shape), wanted = plain(shape);
    ASSERT_LE(worst(got.out, wanted.out), 8e-6) << shape;
    ASSERT_LE(worst(got.probabilities, wanted.probabilities), 2e-6) << shape;
    for (int64_t i = 0; shape.causal && i < shape.queries; ++i) {
      for (int64_t j = shape.past() + i + 1; j < shape.keys; ++j) {
        ASSERT_EQ(got.probabilities[static_cast<size_t>(i * shape.keys + j)], 0) << shape;
      }
    }
  });
}

TEST_P(Attention, OfLargeScoresStaysFinite) {
  const Attended got = fast({.keys = 20, .head_dim = 16, .queries = 20, .spread = 60});
  for (size_t i = 0; i < 20; ++i) {
    double sum = 0;
    for (size_t j = 0; j < 20; ++j) sum += got.probabilities[i * 20 + j];
    EXPECT_NEAR(sum, 1, 1e-5);
  }
  for (const float value : got.out) EXPECT_TRUE(std::isfinite(value));
}

INSTANTIATE_TEST_SUITE_P(Fast, Attention, testing::ValuesIn(fast_ones()),
                         [](const auto& instance) { return instance.param.name; });
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Attention);

Attended in_bfloat16(const Shape& shape) {
  return attend(fastest_table().attention_in_bfloat16, fastest_table(), shape);
}

// Queries, keys and values that bfloat16 holds leave the weights of the sum as all that is rounded, by 2^-9 at most.
TEST(AttentionInBfloat16, RoundsItsInputsAndWeightsAlone) {
  if (!fastest_table().attention_in_bfloat16) GTEST_SKIP() << "no products of bfloat16 pairs here";
  for_shapes({1, 2, 7, 15, 16, 17, 31, 33, 64, 70, 130}, {1, 7, 8, 13, 16, 32, 33, 40, 64, 80}, [](Shape shape) {
    shape.bfloat16 = true;
    const Attended got = in_bfloat16(shape), wanted = plain(shape);
    ASSERT_LE(worst(got.probabilities, wanted.probabilities), 2e-6) << shape;
    const double largest = 5;  // of the values
    ASSERT_LE(worst(got.out, wanted.out), largest / 512) << shape;
  });
}

TEST(AttentionInBfloat16, IsNearOfAnyNumbers) {
  if (!fastest_table().attention_in_bfloat16) GTEST_SKIP() << "no products of bfloat16 pairs here";
  for_shapes({1, 2, 17, 33, 64, 130}, {7, 16, 33, 64, 80}, [](const Shape& shape) {
    const Attended got = in_bfloat16(shape), wanted = plain(shape);
    ASSERT_LE(worst(got.probabilities, wanted.probabilities), 0.02) << shape;
    ASSERT_LE(worst(got.out, wanted.out), 0.04) << shape;
  });
}

}  // namespace
}  // namespace espalier::kernels
