#pragma once
#include <vector>

#include "measure/interval.h"

namespace espalier {

// 0 when either side is constant or there is no example.
double pearson(const std::vector<double>& a, const std::vector<double>& b);
double spearman(const std::vector<double>& a, const std::vector<double>& b);  // ties get mean ranks
// Agreement of two rankings with ties, tau-b (Kendall 1945), by merge sort (Knight 1966): n log n.
double kendall_tau_b(const std::vector<double>& a, const std::vector<double>& b);

using Correlation = double (*)(const std::vector<double>&, const std::vector<double>&);
// The correlation of the examples chosen, for bootstrap() and paired_bootstrap(). Keeps references to both sides.
Statistic correlation_of(Correlation correlation, const std::vector<double>& a, const std::vector<double>& b);

}  // namespace espalier
