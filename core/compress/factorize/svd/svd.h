#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "model/weight.h"

namespace espalier {

// The singular value decomposition W = U diag(sigma) V^T of a matrix of m rows and n columns, k = min(m, n).
struct SingularValues {
  int64_t rows = 0, columns = 0;
  std::vector<double> sigma;  // (k), descending
  std::vector<double> left;   // (m, k) row-major: U diag(sigma)
  std::vector<double> right;  // (k, n) row-major: V^T, rows orthonormal
};

// In double precision. Tall matrices (embedding tables) go through the smaller Gram matrix. The sign of every pair is
// fixed (the largest entry of a right vector is positive), so that the same matrix gives the same bytes.
SingularValues singular_values(const Tensor& matrix, const CancelToken& cancel = {});

// Smallest rank whose squared singular values make up `energy` (0..1) of all of them; at least 1.
int64_t rank_for_energy(const std::vector<double>& sigma, double energy);

// Largest rank r with r (m + n) <= ratio m n; at least 1.
int64_t rank_for_ratio(int64_t rows, int64_t columns, double ratio);

// True when two factors of this rank hold fewer numbers than the matrix: r < m n / (m + n).
bool rank_saves(int64_t rows, int64_t columns, int64_t rank);

// The best approximation of this rank (Eckart and Young 1936) with sqrt(sigma) on each side, stored as `dtype`.
LowRank truncate(const SingularValues& decomposition, int64_t rank, DType dtype);

}  // namespace espalier
