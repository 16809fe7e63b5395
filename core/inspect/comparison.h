#pragma once
#include <cstdint>
#include <vector>

#include "base/cancel.h"
#include "inspect/matrix.h"

namespace espalier {

// after - before, (rows, cols) float32. InvalidInput unless both have one shape. Throws Cancelled.
Tensor difference(const Matrix& before, const Matrix& after, const CancelToken& cancel = {});

// A matrix of rows x cols with `part` in it and zeros elsewhere: its row i goes to row_places[i], its column j to
// column_places[j]. An empty list: where they are. InvalidInput for places outside or lists of another length.
Tensor spread(const Matrix& part, int64_t rows, int64_t cols, const std::vector<int64_t>& row_places,
              const std::vector<int64_t>& column_places, const CancelToken& cancel = {});

}  // namespace espalier
