// Products without zeros: against plain dense sums on odd shapes, and the choice of the product.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/rng.h"
#include "engine/sparse_matrix.h"
#include "tests/engine/random_model.h"

namespace espalier {
namespace {

using kernels::Table;

std::vector<const Table*> tables() {
  std::vector<const Table*> found = {&kernels::reference_table()};
#ifdef __x86_64__
  if (kernels::processor().avx2) found.push_back(&kernels::avx2_table());
  if (kernels::processor().avx512) found.push_back(&kernels::avx512_table());
#endif
  return found;
}

// (columns, depth) in blocks of `height` columns by `width` inputs, each kept with this chance.
std::vector<float> in_blocks(int64_t columns, int64_t depth, int64_t height, int64_t width, double chance,
                             uint64_t seed) {
  Rng rng(seed);
  std::vector<float> w(static_cast<size_t>(columns * depth));
  for (int64_t c = 0; c < columns; c += height) {
    for (int64_t k = 0; k < depth; k += width) {
      if (!rng.chance(chance)) continue;
      for (int64_t i = c; i < std::min(c + height, columns); ++i) {
        for (int64_t j = k; j < std::min(k + width, depth); ++j) {
          w[static_cast<size_t>(i * depth + j)] = static_cast<float>(rng.normal());
        }
      }
    }
  }
  return w;
}

class Sparse : public testing::TestWithParam<const Table*> {};

TEST_P(Sparse, ProductsAgreeWithPlainSums) {
  for (const auto& [depth, columns] : std::vector<std::pair<int64_t, int64_t>>{
           {0, 3}, {1, 1}, {7, 13}, {64, 32}, {256, 5}, {257, 33}, {600, 50}, {20, 2051}}) {
    const std::vector<float> w = in_blocks(columns, depth, 1, 1, 0.2, 1);
    for (const int64_t band : {1, 4}) {
      const SparseMatrix matrix(w, depth, columns, band);
      std::vector<std::byte> memory(static_cast<size_t>(matrix.scratch_bytes()) + 64);
      void* scratch = memory.data() + (64 - reinterpret_cast<uintptr_t>(memory.data()) % 64) % 64;
      Rng rng(2);
      std::vector<float> bias(static_cast<size_t>(columns));
      for (float& value : bias) value = static_cast<float>(rng.normal());
      for (const int64_t rows : {1, 2, 3, 4, 7, 8, 9, 16, 17, 33, 64, 65, 100, 129}) {
        std::vector<float> x(static_cast<size_t>(rows * depth));
        for (float& value : x) value = static_cast<float>(rng.normal());
        std::vector<float> got(static_cast<size_t>(rows * columns) + 1, 123.0F);
        const float* shift = rows % 2 == 1 ? bias.data() : nullptr;
        GetParam()->multiply_sparse(matrix.product(x.data(), rows, shift, got.data(), scratch));
        ASSERT_EQ(got.back(), 123.0F);
        for (int64_t r = 0; r < rows; ++r) {
          for (int64_t c = 0; c < columns; ++c) {
            double sum = shift ? shift[c] : 0.0;
            for (int64_t k = 0; k < depth; ++k) {
              sum += static_cast<double>(x[static_cast<size_t>(r * depth + k)]) * w[static_cast<size_t>(c * depth + k)];
            }
            ASSERT_NEAR(got[static_cast<size_t>(r * columns + c)], sum, 1e-4)
                << rows << " x " << depth << " x " << columns << " in bands of " << band;
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Sparse, testing::ValuesIn(tables()),
                         [](const auto& table) { return std::string(table.param->name); });

TEST(SparseChoice, FollowsDensityAndBlocks) {
  const auto choose = [](int64_t height, int64_t width, double chance) {
    return choose_product(in_blocks(256, 512, height, width, chance, 3), 512, 256);
  };
  EXPECT_EQ(choose(1, 1, 0.1).band, 1);
  EXPECT_NEAR(choose(1, 1, 0.1).density, 0.1, 0.01);
  EXPECT_EQ(choose(1, 32, 0.2).band, 1);
  EXPECT_EQ(choose(16, 16, 0.2).band, 4);
  EXPECT_EQ(choose(32, 1, 0.2).band, 4);
  EXPECT_EQ(choose(32, 32, 0.5).band, 4);
  EXPECT_EQ(choose(1, 1, 0.5).band, 0);
  EXPECT_EQ(choose(1, 1, 1).band, 0);
  EXPECT_NE(choose(1, 1, 0).band, 0);
  EXPECT_EQ(choose_product({}, 0, 5), SparseChoice{});
}

TEST(SparseMatrix, HoldsWhatIsKeptAlone) {
  const std::vector<float> w = in_blocks(64, 512, 1, 1, 0.1, 4);
  const int64_t kept = std::ssize(w) - std::count(w.begin(), w.end(), 0.0F);
  EXPECT_EQ(SparseMatrix(w, 512, 64, 1).bytes(), 5 * kept + 4 * (2 * 64 + 1));
  const std::vector<float> blocks = in_blocks(64, 512, 16, 16, 0.2, 5);
  const int64_t in_blocks_kept = std::ssize(blocks) - std::count(blocks.begin(), blocks.end(), 0.0F);
  EXPECT_EQ(SparseMatrix(blocks, 512, 64, 4).bytes(), in_blocks_kept / 4 * 17 + 4 * (2 * 16 + 1));
}

TEST(SparsePlan, SaysWhichKernelRunsAndWhatIsKept) {
  test::ModelShape shape;
  shape.hidden = 64;
  shape.heads = {2};
  shape.head_dim = 32;
  const auto kernel_of = [&](int64_t out_of_ten) {
    const Engine engine(test::with_weights(test::random_model(shape, 1), [=](const Slot&, const Tensor& values) {
      std::vector<bool> keep(static_cast<size_t>(values.numel()));
      for (size_t i = 0; i < keep.size(); ++i) keep[i] = static_cast<int64_t>(i * 7 % 10) < out_of_ten;
      return make_masked(values, keep);
    }));
    for (const PlanEntry& entry : engine.plan()) {
      if (entry.slot == "encoder.0.attention.qkv_proj") return entry.kernel;
    }
    return std::string();
  };
  EXPECT_TRUE(kernel_of(1).starts_with("float32, 10 % kept, sparse rows, ")) << kernel_of(1);
  EXPECT_TRUE(kernel_of(7).starts_with("float32, masked (70 % kept: dense is faster), ")) << kernel_of(7);
}

TEST(SparsePlan, TheRightFactorOfAnEmbeddingIsSparseWhereThatIsFaster) {
  const test::ModelShape shape;
  constexpr int64_t kRank = 32;
  const auto with_factor = [&](int64_t out_of_ten) {
    Model model = test::random_model(shape, 2);
    Rng rng(9);
    const auto random = [&](int64_t rows, int64_t columns) {
      std::vector<float> values(static_cast<size_t>(rows * columns));
      for (float& value : values) value = static_cast<float>(0.2 * rng.normal());
      return Tensor::from(Shape{rows, columns}, std::move(values));
    };
    std::vector<bool> keep(static_cast<size_t>(kRank * shape.hidden));
    for (size_t i = 0; i < keep.size(); ++i) keep[i] = static_cast<int64_t>(i * 7 % 10) < out_of_ten;
    model.weights.replace("embeddings.word.weight", LowRank{share(Dense{random(shape.vocab, kRank)}),
                                                            share(make_masked(random(kRank, shape.hidden), keep))});
    return model;
  };
  for (const int64_t out_of_ten : {1, 9}) {
    const Model model = with_factor(out_of_ten);
    const Engine engine(model);
    const std::vector<PlanEntry> plan = engine.plan();
    const PlanEntry& word = plan.front();
    ASSERT_EQ(word.slot, "embeddings.word");
    EXPECT_EQ(word.kernel.find("sparse") != std::string::npos, out_of_ten == 1) << word.kernel;
    EXPECT_EQ(word.multiplications < kRank * shape.hidden, out_of_ten == 1) << word.multiplications;
    const PackedBatch batch = test::random_batch(model.architecture, {11, 3}, 4);
    const Tensor wanted = Engine(materialized(model), {1, KernelSet::Reference}).run(batch).logits;
    EXPECT_LE(test::difference(engine.run(batch).logits, wanted), 1e-5);
  }
}

}  // namespace
}  // namespace espalier
