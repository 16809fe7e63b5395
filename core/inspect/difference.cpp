#include "inspect/difference.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/error.h"
#include "inspect/parallel.h"

namespace espalier {

Difference difference_of(const Matrix& matrix, const Matrix& other, const CancelToken& cancel) {
  if (matrix.rows() != other.rows() || matrix.cols() != other.cols()) {
    throw Error(ErrorKind::InvalidInput, {.what = "the matrices are of different sizes",
                                          .where = {},
                                          .got = to_string(Shape{other.rows(), other.cols()}),
                                          .wanted = to_string(Shape{matrix.rows(), matrix.cols()}),
                                          .next = "Compare a model with the one that it was made from, a matrix that "
                                                  "no rows or columns were taken from."});
  }
  Difference result;
  double squares = 0, other_squares = 0, product = 0, error = 0;
  const int64_t block = rows_per_block(matrix.cols());
  std::vector<float> a, b;
  for (int64_t begin = 0; begin < matrix.rows(); begin += block) {
    cancel.throw_if_cancelled();
    const int64_t end = std::min(matrix.rows(), begin + block);
    a.resize(static_cast<size_t>((end - begin) * matrix.cols()));
    b.resize(a.size());
    matrix.read_rows(begin, end, a);
    other.read_rows(begin, end, b);
    for (size_t i = 0; i < a.size(); ++i) {
      const double x = a[i], y = b[i];
      squares += x * x;
      other_squares += y * y;
      product += x * y;
      error += (x - y) * (x - y);
      result.max_abs = std::max(result.max_abs, std::abs(x - y));
      result.equal += x == y;
      result.sign_changes += x * y < 0;
    }
  }
  const double infinity = std::numeric_limits<double>::infinity();
  result.relative = squares > 0 ? std::sqrt(error / squares) : error > 0 ? infinity : 0;
  result.sqnr_db = result.relative > 0 ? -20 * std::log10(result.relative) : infinity;
  result.cosine = squares > 0 && other_squares > 0 ? product / std::sqrt(squares * other_squares) : 0;
  return result;
}

}  // namespace espalier
