// Products by packed codes: sums to the bit, on odd shapes, by every kernel, from bits / 8 bytes a weight.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>

#include "base/rng.h"
#include "engine/packed_codes.h"
#include "tests/engine/random_model.h"

namespace espalier {
namespace {

using kernels::Table;

std::vector<const Table*> tables() {
  std::vector<const Table*> found = {&kernels::reference_table()};
#ifdef __x86_64__
  if (kernels::processor().avx2) found.push_back(&kernels::avx2_table());
  if (kernels::processor().int8_dot) found.push_back(&kernels::widest_vector_table());
  if (kernels::processor().amx) found.push_back(&kernels::fastest_table());
#endif
  return found;
}

// All codes of `bits`, the ends often.
std::vector<int8_t> random_codes(int64_t count, int bits, uint64_t seed) {
  Rng rng(seed);
  const int most = (1 << (bits - 1)) - 1;
  std::vector<int8_t> codes(static_cast<size_t>(count));
  for (int8_t& code : codes) {
    code = static_cast<int8_t>(rng.chance(0.2) ? -most : static_cast<int>(rng.below(2 * most + 1)) - most);
  }
  return codes;
}

struct Scratch {
  explicit Scratch(const PackedCodes& codes) : memory(static_cast<size_t>(codes.scratch_bytes()) + 64) {}
  void* begin() { return memory.data() + (64 - reinterpret_cast<uintptr_t>(memory.data()) % 64) % 64; }
  std::vector<std::byte> memory;
};

class Codes : public testing::TestWithParam<std::tuple<const Table*, int>> {
 protected:
  static const Table& table() { return *std::get<0>(GetParam()); }
  static int bits() { return std::get<1>(GetParam()); }
};

const std::vector<std::pair<int64_t, int64_t>> kShapes = {{1, 1}, {7, 13}, {64, 32}, {65, 33}, {130, 3}, {200, 145}};
const std::vector<int64_t> kRows = {1, 2, 12, 13, 16, 17, 33, 70};

TEST_P(Codes, IntegerSumsAreExact) {
  if (bits() == 8) GTEST_SKIP() << "8 bits have products of their own";
  for (const auto& [depth, columns] : kShapes) {
    const std::vector<int8_t> codes = random_codes(columns * depth, bits(), 1);
    const PackedCodes packed(codes, depth, columns, bits(), PackedCodes::Order::Integers);
    Scratch scratch(packed);
    const int64_t stride = (depth + 63) / 64 * 64;
    const std::vector<float> ones(static_cast<size_t>(std::max<int64_t>(columns, 80)), 1.0F);
    const std::vector<int32_t> nothing(static_cast<size_t>(columns));
    for (const int64_t rows : kRows) {
      // What stands behind a row and behind the last is anything.
      std::vector<uint8_t> x(static_cast<size_t>((rows + 15) / 16 * 16 * stride));
      Rng rng(2);
      for (uint8_t& code : x) code = static_cast<uint8_t>(rng.chance(0.3) ? 255 : rng.below(256));
      std::vector<float> got(static_cast<size_t>(rows * columns) + 1, 123.0F);
      table().multiply_codes(x.data(), stride, {ones.data(), ones.data(), nothing.data()}, kernels::Activation::None,
                             {packed.data(), bits(), rows, depth, columns, nullptr, got.data(), scratch.begin()});
      ASSERT_EQ(got.back(), 123.0F);
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = 0; c < columns; ++c) {
          int64_t sum = 0;
          for (int64_t k = 0; k < depth; ++k) {
            sum += int64_t{x[static_cast<size_t>(r * stride + k)]} * codes[static_cast<size_t>(c * depth + k)];
          }
          // Below 2^24, so exact as a float.
          ASSERT_EQ(got[static_cast<size_t>(r * columns + c)] * packed.unit(), static_cast<float>(sum))
              << rows << " x " << depth << " x " << columns << " at " << r << ", " << c;
        }
      }
    }
  }
}

TEST_P(Codes, FloatProductsAgreeWithPlainSums) {
  for (const auto& [depth, columns] : kShapes) {
    const std::vector<int8_t> codes = random_codes(columns * depth, bits(), 3);
    const PackedCodes packed(codes, depth, columns, bits(), PackedCodes::Order::Floats);
    Scratch scratch(packed);
    Rng rng(4);
    std::vector<float> scales(static_cast<size_t>(columns));
    std::vector<float> bias(static_cast<size_t>(columns));
    for (float& scale : scales) scale = static_cast<float>(0.1 * rng.normal()) * packed.unit();
    for (float& value : bias) value = static_cast<float>(rng.normal());
    for (const int64_t rows : kRows) {
      std::vector<float> x(static_cast<size_t>(rows * depth));
      for (float& value : x) value = static_cast<float>(rng.normal());
      std::vector<float> got(static_cast<size_t>(rows * columns) + 1, 123.0F);
      table().multiply_float_codes(x.data(), scales.data(),
                                   {packed.data(), bits(), rows, depth, columns, rows % 2 == 1 ? bias.data() : nullptr,
                                    got.data(), scratch.begin()});
      ASSERT_EQ(got.back(), 123.0F);
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = 0; c < columns; ++c) {
          double sum = 0;
          double size = 1;
          for (int64_t k = 0; k < depth; ++k) {
            const double part = static_cast<double>(x[static_cast<size_t>(r * depth + k)]) *
                                codes[static_cast<size_t>(c * depth + k)] * scales[static_cast<size_t>(c)] /
                                packed.unit();
            sum += part;
            size += std::abs(part);
          }
          if (rows % 2 == 1) sum += bias[static_cast<size_t>(c)];
          ASSERT_NEAR(got[static_cast<size_t>(r * columns + c)], sum, 2e-6 * size)
              << rows << " x " << depth << " x " << columns << " at " << r << ", " << c;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Codes, testing::Combine(testing::ValuesIn(tables()), testing::Range(2, 9)),
                         [](const auto& one) {
                           const Table& table = *std::get<0>(one.param);
                           std::string name =
                               std::string(table.codes_name) + "_" + std::to_string(std::get<1>(one.param));
                           std::replace(name.begin(), name.end(), ' ', '_');
                           return name;
                         });

// The same codes at 8 bits and at fewer.
Model with_codes(int bits, bool widened) {
  test::ModelShape shape;
  shape.heads = {3, 1};
  shape.head_dim = 13;
  shape.ffn = 33;
  shape.hidden = 39;
  return test::with_weights(test::random_model(shape, 5), [=](const Slot&, const Tensor& values) -> Weight {
    const Weight few = quantize_symmetric(values, bits, true, ActivationRange::PerToken);
    if (!widened) return few;
    const auto& form = *few.as<Quantized>();
    return Quantized{form.shape, 8, unpacked_codes(form), form.scales, form.activations};
  });
}

TEST(FewBits, LogitsAreThoseOfTheSameCodesAtEightBits) {
  for (const int bits : {2, 3, 4, 5, 6, 7}) {
    const Model few = with_codes(bits, false);
    const Model wide = with_codes(bits, true);
    const PackedBatch batch = test::random_batch(few.architecture, {5, 1, 90, 33}, 1);
    for (const KernelSet set : {KernelSet::Best, KernelSet::Vector, KernelSet::Avx2, KernelSet::Reference}) {
      EXPECT_TRUE(bit_equal(Engine(few, {1, set}).run(batch).logits, Engine(wide, {1, set}).run(batch).logits))
          << bits << " bits, " << static_cast<int>(set);
    }
  }
}

TEST(FewBits, CodesStandInMemoryAsTheirBitsSay) {
  test::ModelShape shape;
  shape.hidden = 128;
  shape.heads = {2};
  shape.head_dim = 64;
  shape.ffn = 256;
  for (const ActivationRange range : {ActivationRange::PerToken, ActivationRange::Float}) {
    for (const int bits : {2, 3, 4, 5, 6, 7}) {
      const Engine engine(test::with_weights(test::random_model(shape, 1), [=](const Slot&, const Tensor& values) {
        return quantize_symmetric(values, bits, true, range);
      }));
      for (const PlanEntry& entry : engine.plan()) {
        if (entry.slot != "encoder.0.ffn.in_proj") continue;
        const int64_t scales = 256 * (range == ActivationRange::Float ? 4 : 8);
        EXPECT_EQ(entry.resident_bytes, 128 * 256 * bits / 8 + scales);
        EXPECT_NE(entry.kernel.find(std::to_string(bits) + "-bit codes"), std::string::npos) << entry.kernel;
      }
    }
  }
}

}  // namespace
}  // namespace espalier
