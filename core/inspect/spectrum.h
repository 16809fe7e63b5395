#pragma once
#include <cstdint>
#include <vector>

#include "base/cancel.h"
#include "inspect/matrix.h"

namespace espalier {

// The singular values of a matrix, largest first: min(rows, cols) of them.
struct Spectrum {
  std::vector<double> values;

  // Share of the squared Frobenius norm that the first `rank` values hold, 0..1 (1 for a zero matrix).
  double energy(int64_t rank) const;
  // Relative Frobenius error of the best approximation of `rank`: sqrt(1 - energy) (Eckart and Young 1936).
  double error(int64_t rank) const;
  // The smallest rank whose energy is at least `share`.
  int64_t rank_for_energy(double share) const;
};

// Small matrices by a divide-and-conquer SVD; larger ones by the eigenvalues of the smaller Gram matrix in double,
// whose values are exact to about 1e-8 of the largest. Cost: rows * cols * min(rows, cols). Throws Cancelled,
// InvalidInput when the matrix holds non-finite values.
Spectrum singular_spectrum(const Matrix& matrix, const CancelToken& cancel = {});

}  // namespace espalier
