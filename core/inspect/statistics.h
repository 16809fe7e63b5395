#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "base/cancel.h"
#include "inspect/matrix.h"

namespace espalier {

// The magnitudes below which a share of all values lies, for clipping outliers out of a colour scale.
inline constexpr std::array<double, 4> kAbsQuantiles = {0.95, 0.99, 0.999, 0.9999};

// Exact, over the finite values; the same whatever the number of threads.
struct Statistics {
  int64_t count = 0;       // all values
  int64_t zeros = 0;       // exact zeros
  int64_t non_finite = 0;  // infinities and NaN, left out of everything below
  double min = 0, max = 0;
  double mean = 0;
  double std = 0;                                            // of the population
  double l2_norm = 0;                                        // Frobenius
  std::array<double, kAbsQuantiles.size()> abs_quantiles{};  // nearest rank

  double abs_max() const { return min < -max ? -min : max; }
};

struct MatrixSummary {
  Statistics statistics;
  std::vector<double> row_norms;     // (rows) L2
  std::vector<double> column_norms;  // (cols) L2
};

// Two passes: one for everything but the quantiles, one to settle these exactly. Parallel. Throws Cancelled.
MatrixSummary summarize(const Matrix& matrix, const CancelToken& cancel = {});

// Counts of values in equal bins over [low, high]; the last bin holds `high` too.
struct Histogram {
  double low = 0, high = 0;
  std::vector<int64_t> counts;
  int64_t below = 0, above = 0;  // finite values outside [low, high]
  int64_t non_finite = 0;

  double bin_width() const { return counts.empty() ? 0 : (high - low) / static_cast<double>(counts.size()); }
};

// 1 <= bins <= 65536 and low <= high, both finite; else InvalidInput. An empty range is widened around its value.
Histogram histogram(const Matrix& matrix, double low, double high, int bins, const CancelToken& cancel = {});

}  // namespace espalier
