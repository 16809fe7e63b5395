#pragma once
#include <cstdint>
#include <vector>

#include "base/cancel.h"
#include "inspect/matrix.h"

namespace espalier {

// What one cell of a tile says about the block of values that it stands for.
enum class CellValue {
  Extreme,  // the value of largest magnitude, sign kept: outliers stay visible at any zoom
  Mean,
  Min,
  Max,
  Sample,  // the block's first value: cheap, for a preview
};

// A grid of cells over part of a matrix; a cell covers row_step x col_step values (less at the edge).
struct TileRequest {
  int64_t row = 0, col = 0;            // first value
  int64_t row_step = 1, col_step = 1;  // values a cell, at least 1
  int64_t cell_rows = 0, cell_cols = 0;
  CellValue cell_value = CellValue::Extreme;
};

struct Tile {
  int64_t cell_rows = 0, cell_cols = 0;  // cut to the matrix
  std::vector<float> values;             // (cell_rows, cell_cols), row-major; a NaN in a block shows as NaN
};

// Reads a tile. Blocks are cut to the matrix; a request outside it gives an empty tile. Throws Cancelled.
Tile read_tile(const Matrix& matrix, const TileRequest& request, const CancelToken& cancel = {});

}  // namespace espalier
