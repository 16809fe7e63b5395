#include "measure/correlation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "measure/check_sizes.h"

namespace espalier {
namespace {

std::vector<double> mean_ranks(const std::vector<double>& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    const double mean = (static_cast<double>(begin) + static_cast<double>(end - 1)) / 2 + 1;
    for (size_t i = begin; i < end; ++i) ranks[order[i]] = mean;
    begin = end;
  }
  return ranks;
}

}  // namespace

double pearson(const std::vector<double>& a, const std::vector<double>& b) {
  check_sizes(a.size(), b.size());
  if (a.empty()) return 0;
  const double n = static_cast<double>(a.size());
  const double mean_a = std::accumulate(a.begin(), a.end(), 0.0) / n;
  const double mean_b = std::accumulate(b.begin(), b.end(), 0.0) / n;
  double product = 0, squares_a = 0, squares_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    product += (a[i] - mean_a) * (b[i] - mean_b);
    squares_a += (a[i] - mean_a) * (a[i] - mean_a);
    squares_b += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return squares_a == 0 || squares_b == 0 ? 0 : product / std::sqrt(squares_a * squares_b);
}

double spearman(const std::vector<double>& a, const std::vector<double>& b) {
  return pearson(mean_ranks(a), mean_ranks(b));
}

Statistic correlation_of(Correlation correlation, const std::vector<double>& a, const std::vector<double>& b) {
  check_sizes(a.size(), b.size());
  return [correlation, &a, &b](std::span<const uint32_t> examples) {
    std::vector<double> chosen_a, chosen_b;
    for (const uint32_t example : examples) {
      chosen_a.push_back(a[example]);
      chosen_b.push_back(b[example]);
    }
    return correlation(chosen_a, chosen_b);
  };
}

}  // namespace espalier
