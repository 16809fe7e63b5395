#pragma once
#include <cstdint>

#include "base/cancel.h"
#include "inspect/matrix.h"
#include "inspect/statistics.h"

namespace espalier {

// Weights that a Gaussian of the matrix's own mean and deviation does not explain: log density below -4 (Zadeh 2020,
// GOBO, arXiv 2005.03842). The density depends on the scale of the weights, so the bound in deviations does too.
inline constexpr double kOutlierLogDensity = -4;

// |w - mean| / std above which a weight is an outlier; 0 when the density is below the bound everywhere, infinite for
// std = 0.
double outlier_deviations(double std);

struct Outliers {
  double deviations = 0;  // the bound
  int64_t count = 0;
  double share = 0;  // of the finite values
};
Outliers count_outliers(const Matrix& matrix, const Statistics& statistics, const CancelToken& cancel = {});

}  // namespace espalier
