#include "inspect/spectrum.h"

#include <Eigen/Eigenvalues>
#include <Eigen/SVD>
#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>

#include "base/error.h"
#include "inspect/parallel.h"

namespace espalier {
namespace {

using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// Below this many values the exact decomposition takes milliseconds.
constexpr int64_t kSmall = 65536;

[[noreturn]] void refuse_non_finite() {
  throw Error(ErrorKind::InvalidInput,
              ErrorParts{"cannot decompose a matrix with infinite or undefined values", "", "", "finite values", ""});
}

std::vector<double> by_svd(const Matrix& matrix) {
  RowMajor values(matrix.rows(), matrix.cols());
  matrix.read_rows(0, matrix.rows(), std::span(values.data(), static_cast<size_t>(values.size())));
  if (!values.allFinite()) refuse_non_finite();
  const Eigen::MatrixXd wide = values.cast<double>();
  const Eigen::BDCSVD<Eigen::MatrixXd> svd(wide);
  return {svd.singularValues().begin(), svd.singularValues().end()};
}

// A^T A by blocks of rows, or A A^T by panels of 256 x 256 of its lower half.
Eigen::MatrixXd gram(const Matrix& matrix, const CancelToken& cancel) {
  const int64_t rows = matrix.rows(), cols = matrix.cols();
  const int64_t n = std::min(rows, cols);
  Eigen::MatrixXd result = Eigen::MatrixXd::Zero(n, n);
  if (cols <= rows) {
    const int64_t block_rows = std::max<int64_t>(256, (rows + 63) / 64);
    std::mutex mutex;
    for_each_block((rows + block_rows - 1) / block_rows, cancel, [&](int64_t block) {
      const int64_t begin = block * block_rows;
      const int64_t end = std::min(rows, begin + block_rows);
      RowMajor values(end - begin, cols);
      matrix.read_rows(begin, end, std::span(values.data(), static_cast<size_t>(values.size())));
      const Eigen::MatrixXd wide = values.cast<double>();
      Eigen::MatrixXd part = Eigen::MatrixXd::Zero(n, n);
      part.selfadjointView<Eigen::Lower>().rankUpdate(wide.transpose());
      const std::lock_guard lock(mutex);
      result += part;
    });
    return result;
  }
  RowMajor values(rows, cols);
  matrix.read_rows(0, rows, std::span(values.data(), static_cast<size_t>(values.size())));
  constexpr int64_t kPanel = 256;
  const int64_t panels = (rows + kPanel - 1) / kPanel;
  for_each_block(panels * panels, cancel, [&](int64_t block) {
    const int64_t i = block / panels * kPanel, j = block % panels * kPanel;
    if (j > i) return;
    const int64_t height = std::min(kPanel, rows - i), width = std::min(kPanel, rows - j);
    const Eigen::MatrixXd left = values.middleRows(i, height).cast<double>();
    const Eigen::MatrixXd right = values.middleRows(j, width).cast<double>();
    result.block(i, j, height, width).noalias() = left * right.transpose();
  });
  return result;
}

}  // namespace

double Spectrum::energy(int64_t rank) const {
  double total = 0, kept = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double square = values[i] * values[i];
    total += square;
    if (static_cast<int64_t>(i) < rank) kept += square;
  }
  return total > 0 ? kept / total : 1;
}

double Spectrum::error(int64_t rank) const {
  // Sums the dropped values alone: 1 - energy would lose the last digits.
  double total = 0, dropped = 0;
  for (size_t i = values.size(); i-- > 0;) {
    const double square = values[i] * values[i];
    total += square;
    if (static_cast<int64_t>(i) >= rank) dropped += square;
  }
  return total > 0 ? std::sqrt(dropped / total) : 0;
}

int64_t Spectrum::rank_for_energy(double share) const {
  const double total = std::inner_product(values.begin(), values.end(), values.begin(), 0.0);
  double kept = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (kept >= share * total) return static_cast<int64_t>(i);
    kept += values[i] * values[i];
  }
  return static_cast<int64_t>(values.size());
}

Spectrum singular_spectrum(const Matrix& matrix, const CancelToken& cancel) {
  cancel.throw_if_cancelled();
  if (matrix.rows() * matrix.cols() <= kSmall) return {by_svd(matrix)};
  const Eigen::MatrixXd lower = gram(matrix, cancel);
  if (!lower.allFinite()) refuse_non_finite();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(lower, Eigen::EigenvaluesOnly);
  cancel.throw_if_cancelled();
  Spectrum spectrum;
  for (Eigen::Index i = lower.rows(); i-- > 0;) {
    spectrum.values.push_back(std::sqrt(std::max(0.0, solver.eigenvalues()[i])));
  }
  return spectrum;
}

}  // namespace espalier
