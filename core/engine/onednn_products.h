#pragma once
// Products of float32 matrices that change from one call to the next, as training has them: nothing is packed for
// keeping, and the library uses as many threads as OpenMP gives the calling one. Beside onednn.h, the other door.

#include <compare>
#include <cstdint>

namespace espalier::onednn {

// A row-major matrix, or the transpose of one.
struct Factor {
  const float* data = nullptr;
  bool transposed = false;
};

struct ProductSizes {
  int64_t rows = 0, depth = 0, columns = 0;  // at least 1
  auto operator<=>(const ProductSizes&) const = default;
};

// c (rows, columns) = a (rows, depth) b (depth, columns) + bias (columns; null: none). c is row-major and overlaps no
// operand. The same call on the same number of threads gives the same bits. Compiled kernels are kept by sizes. Any
// thread may call. Throws Error when the library does.
void multiply(const ProductSizes& sizes, const Factor& a, const Factor& b, const float* bias, float* c);

}  // namespace espalier::onednn
