#include "inspect/tile.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "inspect/parallel.h"

namespace espalier {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// What one row of cells has gathered so far. An array a quantity: the loop over columns then runs on whole registers.
struct CellRow {
  explicit CellRow(size_t cells)
      : min(cells, std::numeric_limits<float>::infinity()),
        max(cells, -std::numeric_limits<float>::infinity()),
        sum(cells, 0),
        has_nan(cells, 0) {}

  void add(size_t cell, float value) {
    min[cell] = value < min[cell] ? value : min[cell];
    max[cell] = value > max[cell] ? value : max[cell];
    sum[cell] += value;
    has_nan[cell] |= value != value;
  }

  std::vector<float> min, max;
  std::vector<double> sum;
  std::vector<int32_t> has_nan;
};

float finish(const CellRow& cells, size_t cell, CellValue value, int64_t count) {
  if (cells.has_nan[cell] != 0) return kNaN;
  switch (value) {
    case CellValue::Extreme:
      return std::abs(cells.min[cell]) > std::abs(cells.max[cell]) ? cells.min[cell] : cells.max[cell];
    case CellValue::Mean:
      return static_cast<float>(cells.sum[cell] / static_cast<double>(count));
    case CellValue::Min:
      return cells.min[cell];
    case CellValue::Max:
      return cells.max[cell];
    case CellValue::Sample:
      break;
  }
  return kNaN;
}

void gather(std::span<const float> values, int64_t col_step, CellRow& cells) {
  if (col_step == 1) {
    for (size_t c = 0; c < values.size(); ++c) cells.add(c, values[c]);
    return;
  }
  const auto step = static_cast<size_t>(col_step);
  for (size_t begin = 0, cell = 0; begin < values.size(); begin += step, ++cell) {
    const size_t end = std::min(values.size(), begin + step);
    for (size_t i = begin; i < end; ++i) cells.add(cell, values[i]);
  }
}

// One row of cells by way of every value of its block.
void reduce_cell_row(const Matrix& matrix, const TileRequest& request, int64_t row, int64_t width,
                     const CancelToken& cancel, std::span<float> out) {
  const int64_t row_end = std::min(matrix.rows(), row + request.row_step);
  CellRow cells(out.size());
  if (matrix.is_dense()) {
    std::vector<float> values(static_cast<size_t>(width));
    for (int64_t r = row; r < row_end; ++r) {
      if ((r & 255) == 0) cancel.throw_if_cancelled();
      matrix.read(r, request.col, values);
      gather(values, request.col_step, cells);
    }
  } else {
    // A coded row is decoded whole; many at a time, because a low-rank product of one row is slow.
    const int64_t block = std::min(row_end - row, rows_per_block(matrix.cols()));
    std::vector<float> values(static_cast<size_t>(block * matrix.cols()));
    for (int64_t r = row; r < row_end; r += block) {
      cancel.throw_if_cancelled();
      const int64_t end = std::min(row_end, r + block);
      matrix.read_rows(r, end, std::span(values).first(static_cast<size_t>((end - r) * matrix.cols())));
      for (int64_t i = r; i < end; ++i) {
        const size_t first = static_cast<size_t>((i - r) * matrix.cols() + request.col);
        gather(std::span<const float>(values).subspan(first, static_cast<size_t>(width)), request.col_step, cells);
      }
    }
  }
  for (size_t c = 0; c < out.size(); ++c) {
    const int64_t columns = std::min(request.col_step, width - static_cast<int64_t>(c) * request.col_step);
    out[c] = finish(cells, c, request.cell_value, (row_end - row) * columns);
  }
}

void sample_cell_row(const Matrix& matrix, const TileRequest& request, int64_t row, int64_t width,
                     std::span<float> out) {
  std::vector<float> values(static_cast<size_t>(width));
  matrix.read(row, request.col, values);
  for (size_t c = 0; c < out.size(); ++c) out[c] = values[c * static_cast<size_t>(request.col_step)];
}

int64_t cells_within(int64_t begin, int64_t end, int64_t step, int64_t wanted) {
  if (begin < 0 || begin >= end) return 0;
  return std::min(wanted, (end - begin + step - 1) / step);
}

}  // namespace

Tile read_tile(const Matrix& matrix, const TileRequest& request, const CancelToken& cancel) {
  Tile tile;
  const TileRequest& r = request;
  tile.cell_rows = cells_within(r.row, matrix.rows(), r.row_step, r.cell_rows);
  tile.cell_cols = cells_within(r.col, matrix.cols(), r.col_step, r.cell_cols);
  if (tile.cell_rows == 0 || tile.cell_cols == 0) return {};
  const int64_t width = std::min(matrix.cols() - r.col, tile.cell_cols * r.col_step);
  tile.values.resize(static_cast<size_t>(tile.cell_rows * tile.cell_cols));

  const bool sampled = r.cell_value == CellValue::Sample;
  const bool one_to_one = r.row_step == 1 && r.col_step == 1 && matrix.is_dense();
  const int64_t rows_at_once = std::max<int64_t>(1, rows_per_block(width) / r.row_step);
  for_each_block((tile.cell_rows + rows_at_once - 1) / rows_at_once, cancel, [&](int64_t block) {
    const int64_t end = std::min(tile.cell_rows, (block + 1) * rows_at_once);
    for (int64_t cell = block * rows_at_once; cell < end; ++cell) {
      const auto out = std::span(tile.values)
                           .subspan(static_cast<size_t>(cell * tile.cell_cols), static_cast<size_t>(tile.cell_cols));
      const int64_t row = r.row + cell * r.row_step;
      if (one_to_one) {
        matrix.read(row, r.col, out);
      } else if (sampled) {
        sample_cell_row(matrix, r, row, width, out);
      } else {
        reduce_cell_row(matrix, r, row, width, cancel, out);
      }
    }
  });
  return tile;
}

}  // namespace espalier
