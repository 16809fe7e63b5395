#include "inspect/outliers.h"

#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "inspect/parallel.h"

namespace espalier {

double outlier_deviations(double std) {
  if (std <= 0) return std::numeric_limits<double>::infinity();
  const double at_mean = -std::log(std * std::sqrt(2 * std::numbers::pi));
  return at_mean <= kOutlierLogDensity ? 0 : std::sqrt(2 * (at_mean - kOutlierLogDensity));
}

Outliers count_outliers(const Matrix& matrix, const Statistics& statistics, const CancelToken& cancel) {
  Outliers outliers{.deviations = outlier_deviations(statistics.std)};
  const double bound = outliers.deviations * statistics.std;
  if (!std::isfinite(bound)) return outliers;
  const int64_t rows = rows_per_block(matrix.cols());
  std::vector<float> values;
  for (int64_t begin = 0; begin < matrix.rows(); begin += rows) {
    cancel.throw_if_cancelled();
    const int64_t end = std::min(matrix.rows(), begin + rows);
    values.resize(static_cast<size_t>((end - begin) * matrix.cols()));
    matrix.read_rows(begin, end, values);
    for (const float value : values)
      outliers.count += std::isfinite(value) && std::abs(value - statistics.mean) > bound;
  }
  const int64_t finite = statistics.count - statistics.non_finite;
  outliers.share = finite > 0 ? static_cast<double>(outliers.count) / static_cast<double>(finite) : 0;
  return outliers;
}

}  // namespace espalier
