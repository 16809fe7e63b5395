#pragma once
#include "base/cancel.h"
#include "inspect/matrix.h"

namespace espalier {

// What stands in one matrix instead of another: quantized codes, a low-rank product, trained weights.
struct Difference {
  double relative = 0;  // Frobenius norm of the difference over that of the first; 0 when both are zero
  double sqnr_db = 0;   // -20 log10 relative: signal to noise; infinite for equal matrices
  double cosine = 0;    // of the angle between both as vectors; 0 when one is zero
  double max_abs = 0;
  int64_t equal = 0;         // elements of exactly the same value
  int64_t sign_changes = 0;  // elements whose product is below zero
};
// Throws InvalidInput unless both have the same rows and columns.
Difference difference_of(const Matrix& matrix, const Matrix& other, const CancelToken& cancel = {});

}  // namespace espalier
