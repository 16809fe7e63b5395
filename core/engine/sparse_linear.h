#pragma once
// Float32 weights without their zeros.

#include "engine/linear.h"
#include "engine/sparse_matrix.h"

namespace espalier {

class SparseLinear : public Linear {
 public:
  // w (columns, depth); `choice` must not be dense.
  SparseLinear(const kernels::Table& kernels, std::span<const float> w, int64_t depth, int64_t columns,
               const SparseChoice& choice);

  void run(Lane& lane, const float* x, int64_t first_row, int64_t rows, const float* bias,
           kernels::Activation activation, float* y) const override;

  int64_t depth() const override { return matrix_.depth(); }
  int64_t columns() const override { return matrix_.columns(); }
  int64_t resident_bytes() const override { return matrix_.bytes(); }
  std::string describe() const override;
  ProductCost cost() const override { return {.float_macs = matrix_.multiplications()}; }
  int64_t scratch_bytes() const override { return matrix_.scratch_bytes(); }

 private:
  const kernels::Table& kernels_;
  SparseChoice choice_;
  SparseMatrix matrix_;
};

}  // namespace espalier
