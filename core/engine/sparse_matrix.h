#pragma once
// A float32 matrix without its zeros, as the sparse kernels read it, and the choice between it and the dense product.

#include <cstdint>
#include <span>
#include <vector>

#include "engine/kernels/kernels.h"

namespace espalier {

// How a matrix is multiplied fastest.
struct SparseChoice {
  int64_t band = 0;  // 0: densely; else the columns of a strip (see SparseArgs)
  double density = 1;

  bool operator==(const SparseChoice&) const = default;
};

// Of w (columns, depth), by its zeros alone.
SparseChoice choose_product(std::span<const float> w, int64_t depth, int64_t columns);

class SparseMatrix {
 public:
  // w (columns, depth), whose product has fewer than 2^32 strips; band 1 or 4.
  SparseMatrix(std::span<const float> w, int64_t depth, int64_t columns, int64_t band);

  int64_t depth() const { return depth_; }
  int64_t columns() const { return columns_; }
  int64_t bytes() const;
  // Of one row; zeros that fill up a band count.
  int64_t multiplications() const { return static_cast<int64_t>(values_.size()); }
  int64_t scratch_bytes() const;
  // y = x w^T + bias; scratch as scratch_bytes() says.
  kernels::SparseArgs product(const float* x, int64_t rows, const float* bias, float* y, void* scratch) const;

 private:
  int64_t depth_;
  int64_t columns_;
  int64_t band_;
  std::vector<uint32_t> starts_ = {0};
  std::vector<uint8_t> inputs_;
  std::vector<float> values_;
};

}  // namespace espalier
