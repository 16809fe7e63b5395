#include "measure/correlation.h"

#include <algorithm>
#include <cmath>
#include <functional>
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

// Pairs of equal values in a sorted range.
template <typename Iterator, typename Equal>
double tied_pairs(Iterator begin, Iterator end, Equal equal) {
  double pairs = 0;
  while (begin != end) {
    Iterator next = begin;
    while (next != end && equal(*begin, *next)) ++next;
    const auto run = static_cast<double>(next - begin);
    pairs += run * (run - 1) / 2;
    begin = next;
  }
  return pairs;
}

// Sorts and counts the pairs that stood in the wrong order.
double sort_counting_swaps(std::vector<double>& values, std::vector<double>& scratch, size_t begin, size_t end) {
  if (end - begin < 2) return 0;
  const size_t middle = begin + (end - begin) / 2;
  double swaps =
      sort_counting_swaps(values, scratch, begin, middle) + sort_counting_swaps(values, scratch, middle, end);
  size_t left = begin, right = middle;
  for (size_t out = begin; out < end; ++out) {
    if (left < middle && (right == end || values[left] <= values[right])) {
      scratch[out] = values[left++];
    } else {
      swaps += static_cast<double>(middle - left);
      scratch[out] = values[right++];
    }
  }
  std::copy(scratch.begin() + static_cast<std::ptrdiff_t>(begin), scratch.begin() + static_cast<std::ptrdiff_t>(end),
            values.begin() + static_cast<std::ptrdiff_t>(begin));
  return swaps;
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

double kendall_tau_b(const std::vector<double>& a, const std::vector<double>& b) {
  check_sizes(a.size(), b.size());
  std::vector<std::pair<double, double>> pairs;
  for (size_t i = 0; i < a.size(); ++i) pairs.emplace_back(a[i], b[i]);
  std::sort(pairs.begin(), pairs.end());
  const double both = tied_pairs(pairs.begin(), pairs.end(), std::equal_to<>());
  const double in_a =
      tied_pairs(pairs.begin(), pairs.end(), [](const auto& x, const auto& y) { return x.first == y.first; });
  std::vector<double> second, scratch(pairs.size());
  for (const auto& pair : pairs) second.push_back(pair.second);
  const double swaps = sort_counting_swaps(second, scratch, 0, second.size());
  const double in_b = tied_pairs(second.begin(), second.end(), std::equal_to<>());
  const auto n = static_cast<double>(a.size());
  const double all = n * (n - 1) / 2;
  const double norm = std::sqrt((all - in_a) * (all - in_b));
  return norm == 0 ? 0 : (all - in_a - in_b + both - 2 * swaps) / norm;
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
