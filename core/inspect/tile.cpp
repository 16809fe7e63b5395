#include "inspect/tile.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "inspect/parallel.h"

namespace espalier {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// What a cell has gathered so far.
struct Cell {
  float min = std::numeric_limits<float>::infinity(), max = -std::numeric_limits<float>::infinity();
  double sum = 0;
  int64_t count = 0;
  bool has_nan = false;
};

float finish(const Cell& cell, CellValue value) {
  if (cell.has_nan) return kNaN;
  switch (value) {
    case CellValue::Extreme:
      return std::abs(cell.min) > std::abs(cell.max) ? cell.min : cell.max;
    case CellValue::Mean:
      return static_cast<float>(cell.sum / static_cast<double>(cell.count));
    case CellValue::Min:
      return cell.min;
    case CellValue::Max:
      return cell.max;
    case CellValue::Sample:
      break;
  }
  return kNaN;
}

void gather(std::span<const float> values, int64_t col_step, std::span<Cell> cells) {
  for (size_t c = 0; c < cells.size(); ++c) {
    const size_t begin = c * static_cast<size_t>(col_step);
    const size_t end = std::min(values.size(), begin + static_cast<size_t>(col_step));
    Cell& cell = cells[c];
    for (size_t i = begin; i < end; ++i) {
      const float value = values[i];
      cell.has_nan |= std::isnan(value);
      cell.min = std::min(cell.min, value);
      cell.max = std::max(cell.max, value);
      cell.sum += value;
    }
    cell.count += static_cast<int64_t>(end - begin);
  }
}

// One row of cells by way of every value of its block.
void reduce_cell_row(const Matrix& matrix, const TileRequest& request, int64_t row, int64_t width,
                     const CancelToken& cancel, std::span<float> out) {
  const int64_t row_end = std::min(matrix.rows(), row + request.row_step);
  std::vector<Cell> cells(out.size());
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
  for (size_t c = 0; c < out.size(); ++c) out[c] = finish(cells[c], request.cell_value);
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
