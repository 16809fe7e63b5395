#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/rng.h"
#include "inspect/spectrum.h"
#include "inspect/statistics.h"
#include "inspect/tile.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

Tensor random_tensor(int64_t rows, int64_t cols, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(static_cast<size_t>(rows * cols));
  for (float& value : values) value = static_cast<float>(rng.normal());
  return Tensor::from({rows, cols}, std::move(values));
}

// 0, 1, 2, ... row by row.
Tensor counting_tensor(int64_t rows, int64_t cols) {
  std::vector<float> values(static_cast<size_t>(rows * cols));
  std::iota(values.begin(), values.end(), 0.f);
  return Tensor::from({rows, cols}, std::move(values));
}

TEST(Matrix, SeesAVectorAsOneRowAndRefusesNothing) {
  const Matrix bias(Tensor::from<float>({3}, {1, 2, 3}));
  EXPECT_EQ(bias.rows(), 1);
  EXPECT_EQ(bias.cols(), 3);
  EXPECT_EQ(bias.value(0, 2), 3);
  EXPECT_EQ(test::expect_error([] { Matrix{Tensor::from<float>({0, 4}, {})}; }).kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(test::expect_error([] { Matrix{WeightPtr()}; }).kind(), ErrorKind::InvalidInput);
}

TEST(Matrix, ReadsEveryFloatType) {
  const Tensor values = random_tensor(7, 11, 3);
  for (const DType dtype : {DType::F64, DType::F32, DType::F16, DType::BF16}) {
    const Tensor converted = values.to(dtype);
    const Matrix matrix(converted);
    std::vector<float> row(5);
    matrix.read(4, 2, row);
    for (size_t i = 0; i < row.size(); ++i) {
      EXPECT_EQ(row[i], static_cast<float>(converted.value_at(4 * 11 + 2 + static_cast<int64_t>(i))));
      EXPECT_EQ(row[i], static_cast<float>(matrix.value(4, 2 + static_cast<int64_t>(i))));
    }
  }
}

// Every form reads as what it stands for.
TEST(Matrix, ReadsEveryForm) {
  const Tensor values = random_tensor(20, 16, 5);
  std::vector<bool> keep(320);
  for (size_t i = 0; i < keep.size(); ++i) keep[i] = i % 3 != 0;
  const std::vector<Weight> forms = {
      Dense{values}, make_masked(values, keep), quantize_symmetric(values, 8, true, ActivationRange::PerToken),
      quantize_symmetric(values, 4, false, ActivationRange::Float),
      LowRank{share(Dense{random_tensor(20, 3, 6)}), share(Dense{random_tensor(3, 16, 7)})}};
  for (const Weight& form : forms) {
    SCOPED_TRACE(describe(form));
    const Matrix matrix(share(form));
    const Tensor whole = materialize(form);
    std::vector<float> rows(3 * 16);
    matrix.read_rows(9, 12, rows);
    for (int64_t i = 0; i < 48; ++i) {
      ASSERT_NEAR(rows[static_cast<size_t>(i)], whole.values<float>()[static_cast<size_t>(9 * 16 + i)], 1e-6);
    }
    const TileRequest all{.cell_rows = 20, .cell_cols = 16};
    const Tile tile = read_tile(matrix, all);
    for (size_t i = 0; i < tile.values.size(); ++i) ASSERT_NEAR(tile.values[i], whole.values<float>()[i], 1e-6);
  }
}

TEST(Tile, ReducesBlocksAsAsked) {
  // Blocks of 2 x 3 over 4 x 7: the last column of cells is one value wide.
  std::vector<float> values(28);
  std::iota(values.begin(), values.end(), 0.f);
  values[8] = -50;
  const Matrix matrix(Tensor::from({4, 7}, values));
  TileRequest request{.row_step = 2, .col_step = 3, .cell_rows = 10, .cell_cols = 10};
  const auto cells = [&](CellValue value) {
    request.cell_value = value;
    const Tile tile = read_tile(matrix, request);
    EXPECT_EQ(tile.cell_rows, 2);
    EXPECT_EQ(tile.cell_cols, 3);
    return tile.values;
  };
  EXPECT_EQ(cells(CellValue::Extreme), (std::vector<float>{-50, 12, 13, 23, 26, 27}));
  EXPECT_EQ(cells(CellValue::Min), (std::vector<float>{-50, 3, 6, 14, 17, 20}));
  EXPECT_EQ(cells(CellValue::Max), (std::vector<float>{9, 12, 13, 23, 26, 27}));
  EXPECT_EQ(cells(CellValue::Sample), (std::vector<float>{0, 3, 6, 14, 17, 20}));
  EXPECT_FLOAT_EQ(cells(CellValue::Mean)[0], (0 + 1 + 2 + 7 - 50 + 9) / 6.f);
}

// A property: reduction of a tile equals reduction by hand of the same block, also for coded forms.
TEST(Tile, AgreesWithTheValuesForAnyStep) {
  const Tensor values = random_tensor(101, 67, 11);
  const Weight coded = quantize_symmetric(values, 8, true, ActivationRange::PerToken);
  const Tensor decoded = materialize(coded);
  const Matrix matrix(share(coded));
  for (const int64_t step : {1, 2, 5, 64, 200}) {
    const TileRequest request{.row = 3, .col = 2, .row_step = step, .col_step = step, .cell_rows = 9, .cell_cols = 8};
    const Tile tile = read_tile(matrix, request);
    for (int64_t i = 0; i < tile.cell_rows; ++i) {
      for (int64_t j = 0; j < tile.cell_cols; ++j) {
        float extreme = 0;
        for (int64_t r = 3 + i * step; r < std::min<int64_t>(101, 3 + (i + 1) * step); ++r) {
          for (int64_t c = 2 + j * step; c < std::min<int64_t>(67, 2 + (j + 1) * step); ++c) {
            const float value = decoded.values<float>()[static_cast<size_t>(r * 67 + c)];
            // Of two of the same magnitude the positive one stands for the block.
            const bool larger = std::abs(value) > std::abs(extreme);
            if (larger || (value == -extreme && value > 0)) extreme = value;
          }
        }
        ASSERT_EQ(tile.values[static_cast<size_t>(i * tile.cell_cols + j)], extreme);
      }
    }
  }
}

TEST(Tile, OutsideTheMatrixIsEmpty) {
  const Matrix matrix(counting_tensor(4, 4));
  EXPECT_TRUE(read_tile(matrix, {.row = 4, .cell_rows = 2, .cell_cols = 2}).values.empty());
  EXPECT_TRUE(read_tile(matrix, {.col = 9, .cell_rows = 2, .cell_cols = 2}).values.empty());
  EXPECT_EQ(read_tile(matrix, {.row = 3, .col = 3, .cell_rows = 5, .cell_cols = 5}).values, std::vector<float>{15});
}

TEST(Tile, ShowsUndefinedValues) {
  std::vector<float> values(16, 1);
  values[5] = std::numeric_limits<float>::quiet_NaN();
  const Matrix matrix(Tensor::from({4, 4}, values));
  const Tile tile = read_tile(matrix, {.row_step = 2, .col_step = 2, .cell_rows = 2, .cell_cols = 2});
  EXPECT_TRUE(std::isnan(tile.values[0]));
  EXPECT_EQ(tile.values[3], 1);
}

TEST(Statistics, KnownAnswers) {
  const Matrix matrix(Tensor::from<float>({2, 4}, {1, -2, 3, 0, 0, 2, -3, -1}));
  const MatrixSummary summary = summarize(matrix);
  const Statistics& s = summary.statistics;
  EXPECT_EQ(s.count, 8);
  EXPECT_EQ(s.zeros, 2);
  EXPECT_EQ(s.non_finite, 0);
  EXPECT_EQ(s.min, -3);
  EXPECT_EQ(s.max, 3);
  EXPECT_DOUBLE_EQ(s.mean, 0);
  EXPECT_DOUBLE_EQ(s.std, std::sqrt(28.0 / 8));
  EXPECT_DOUBLE_EQ(s.l2_norm, std::sqrt(28.0));
  EXPECT_EQ(summary.row_norms, (std::vector<double>{std::sqrt(14.0), std::sqrt(14.0)}));
  EXPECT_DOUBLE_EQ(summary.column_norms[0], 1);
  EXPECT_DOUBLE_EQ(summary.column_norms[1], std::sqrt(8.0));
  EXPECT_DOUBLE_EQ(summary.column_norms[3], 1);
}

TEST(Statistics, QuantilesAreExact) {
  for (const auto& [rows, cols] : std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {3, 5}, {700, 130}}) {
    const Tensor values = random_tensor(rows, cols, 17);
    std::vector<float> magnitudes;
    for (const float value : values.values<float>()) magnitudes.push_back(std::abs(value));
    std::sort(magnitudes.begin(), magnitudes.end());
    const Statistics s = summarize(Matrix(values)).statistics;
    for (size_t i = 0; i < kAbsQuantiles.size(); ++i) {
      const auto rank = static_cast<size_t>(std::ceil(kAbsQuantiles[i] * static_cast<double>(magnitudes.size())));
      EXPECT_EQ(s.abs_quantiles[i], magnitudes[rank - 1]) << rows << " x " << cols << " at " << kAbsQuantiles[i];
    }
  }
}

TEST(Statistics, LeavesOutWhatIsNotFinite) {
  const float inf = std::numeric_limits<float>::infinity();
  const Matrix matrix(Tensor::from<float>({1, 5}, {1, inf, 3, -inf, std::nanf("")}));
  const Statistics s = summarize(matrix).statistics;
  EXPECT_EQ(s.non_finite, 3);
  EXPECT_EQ(s.min, 1);
  EXPECT_EQ(s.max, 3);
  EXPECT_EQ(s.mean, 2);
  EXPECT_EQ(s.abs_quantiles[0], 3);
  const Statistics none = summarize(Matrix(Tensor::from<float>({1, 1}, {inf}))).statistics;
  EXPECT_EQ(none.non_finite, 1);
  EXPECT_EQ(none.max, 0);
}

TEST(Statistics, IsStableFarFromZeroAndTheSameEveryTime) {
  std::vector<float> values;
  for (int i = 0; i < 400000; ++i) values.push_back(1000 + static_cast<float>(i % 2));
  const Matrix matrix(Tensor::from({1000, 400}, values));
  const Statistics s = summarize(matrix).statistics;
  EXPECT_NEAR(s.mean, 1000.5, 1e-9);
  EXPECT_NEAR(s.std, 0.5, 1e-9);
  const Matrix random(random_tensor(900, 300, 23));
  const MatrixSummary first = summarize(random), second = summarize(random);
  EXPECT_EQ(first.statistics.std, second.statistics.std);
  EXPECT_EQ(first.column_norms, second.column_norms);
}

TEST(Histogram, CountsEveryValueOnce) {
  const Matrix matrix(Tensor::from<float>({1, 8}, {0, 0.5, 1, 1.5, 2, 2.5, 3, std::nanf("")}));
  const Histogram h = histogram(matrix, 0.5, 2.5, 2);
  EXPECT_EQ(h.counts, (std::vector<int64_t>{2, 3}));  // [0.5, 1.5) and [1.5, 2.5]
  EXPECT_EQ(h.below, 1);
  EXPECT_EQ(h.above, 1);
  EXPECT_EQ(h.non_finite, 1);
  EXPECT_DOUBLE_EQ(h.bin_width(), 1);
}

TEST(Histogram, WidensAnEmptyRangeAndRefusesNonsense) {
  const Matrix matrix(Tensor::from<float>({1, 3}, {7, 7, 7}));
  const Histogram h = histogram(matrix, 7, 7, 5);
  EXPECT_EQ(h.counts, (std::vector<int64_t>{0, 0, 3, 0, 0}));
  EXPECT_EQ(test::expect_error([&] { histogram(matrix, 1, 0, 5); }).kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(test::expect_error([&] { histogram(matrix, 0, 1, 0); }).kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(test::expect_error([&] { histogram(matrix, std::nan(""), 1, 4); }).kind(), ErrorKind::InvalidInput);
}

TEST(Spectrum, OfADiagonalIsItsMagnitudes) {
  const Matrix matrix(Tensor::from<float>({3, 3}, {0, 0, -2, 4, 0, 0, 0, 1, 0}));
  const Spectrum spectrum = singular_spectrum(matrix);
  ASSERT_EQ(spectrum.values.size(), 3u);
  EXPECT_NEAR(spectrum.values[0], 4, 1e-12);
  EXPECT_NEAR(spectrum.values[1], 2, 1e-12);
  EXPECT_NEAR(spectrum.values[2], 1, 1e-12);
  EXPECT_NEAR(spectrum.energy(1), 16.0 / 21, 1e-12);
  EXPECT_NEAR(spectrum.error(2), std::sqrt(1.0 / 21), 1e-12);
  EXPECT_EQ(spectrum.energy(3), 1);
  EXPECT_EQ(spectrum.error(3), 0);
  EXPECT_EQ(spectrum.rank_for_energy(0.9), 2);
  EXPECT_EQ(spectrum.rank_for_energy(1), 3);
  EXPECT_EQ(spectrum.rank_for_energy(0), 0);
}

// A matrix too large for the direct decomposition, either way round, with a known spectrum: orthogonal rows of known
// length. Sylvester's Hadamard matrix gives them.
TEST(Spectrum, OfALargeMatrixIsExactBothWaysRound) {
  constexpr int64_t kRows = 96, kCols = 1024;
  std::vector<float> wide(static_cast<size_t>(kRows * kCols)), tall(wide.size());
  for (int64_t r = 0; r < kRows; ++r) {
    for (int64_t c = 0; c < kCols; ++c) {
      const float sign = __builtin_popcountll(static_cast<uint64_t>(r & c)) % 2 ? -1.f : 1.f;
      const float value = sign * static_cast<float>(kRows - r) / 32;  // row norm is kRows - r
      wide[static_cast<size_t>(r * kCols + c)] = value;
      tall[static_cast<size_t>(c * kRows + r)] = value;
    }
  }
  for (const Tensor& tensor : {Tensor::from({kRows, kCols}, wide), Tensor::from({kCols, kRows}, tall)}) {
    const Spectrum spectrum = singular_spectrum(Matrix(tensor));
    ASSERT_EQ(static_cast<int64_t>(spectrum.values.size()), kRows);
    for (int64_t i = 0; i < kRows; ++i) {
      ASSERT_NEAR(spectrum.values[static_cast<size_t>(i)], static_cast<double>(kRows - i), 1e-6);
    }
  }
}

TEST(Spectrum, HandlesZeroAndRefusesNonFinite) {
  const Spectrum zero = singular_spectrum(Matrix(Tensor::from<float>({2, 2}, {0, 0, 0, 0})));
  EXPECT_EQ(zero.energy(0), 1);
  EXPECT_EQ(zero.error(0), 0);
  EXPECT_EQ(zero.rank_for_energy(0.9), 0);
  const Matrix broken(Tensor::from<float>({1, 2}, {std::nanf(""), 0}));
  EXPECT_EQ(test::expect_error([&] { singular_spectrum(broken); }).kind(), ErrorKind::InvalidInput);
}

TEST(Inspect, StopsWhenCancelled) {
  const Matrix matrix(random_tensor(600, 300, 1));
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(summarize(matrix, cancel), Cancelled);
  EXPECT_THROW(histogram(matrix, 0, 1, 4, cancel), Cancelled);
  EXPECT_THROW(singular_spectrum(matrix, cancel), Cancelled);
  EXPECT_THROW(read_tile(matrix, {.row_step = 8, .col_step = 8, .cell_rows = 64, .cell_cols = 32}, cancel), Cancelled);
}

}  // namespace
}  // namespace espalier
