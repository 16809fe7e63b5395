#include "introspect/attention_measures.h"

#include <cmath>
#include <limits>
#include <span>

#include "measure/normal.h"

namespace espalier {
namespace {

// One query's attention over m keys; `at`: its place among them, -1 in cross-attention.
void add_row(std::span<const float> row, int64_t at, const std::vector<bool>& special_keys, HeadMeasures& sums) {
  const auto value = [&](AttentionMeasure measure) -> double& { return sums[static_cast<size_t>(measure)]; };
  for (size_t key = 0; key < row.size(); ++key) {
    const double p = row[key];
    if (p > 0) value(AttentionMeasure::Entropy) -= p * std::log(p);
    if (at >= 0) value(AttentionMeasure::Distance) += p * std::abs(static_cast<double>(key) - static_cast<double>(at));
    if (key > 0 && special_keys[key]) value(AttentionMeasure::Separators) += p;
  }
  value(AttentionMeasure::First) += row[0];
  if (at > 0) value(AttentionMeasure::Previous) += row[static_cast<size_t>(at) - 1];
  if (at >= 0 && static_cast<size_t>(at) + 1 < row.size()) {
    value(AttentionMeasure::Next) += row[static_cast<size_t>(at) + 1];
  }
}

}  // namespace

std::string_view to_string(AttentionMeasure measure) {
  switch (measure) {
    case AttentionMeasure::Entropy:
      return "entropy";
    case AttentionMeasure::Distance:
      return "distance";
    case AttentionMeasure::First:
      return "first";
    case AttentionMeasure::Separators:
      return "separators";
    case AttentionMeasure::Previous:
      return "previous";
    case AttentionMeasure::Next:
      break;
  }
  return "next";
}

std::vector<HeadMeasures> attention_measures(const Tensor& probabilities, const std::vector<bool>& special_queries,
                                             const std::vector<bool>& special_keys, bool cross) {
  const auto heads = static_cast<size_t>(probabilities.size(0)), n = static_cast<size_t>(probabilities.size(1)),
             m = static_cast<size_t>(probabilities.size(2));
  const auto values = probabilities.values<float>();
  std::vector<HeadMeasures> measures(heads, HeadMeasures{});
  double queries = 0;
  for (size_t query = 0; query < n; ++query) queries += special_queries[query] ? 0 : 1;
  for (size_t head = 0; head < heads && queries > 0; ++head) {
    for (size_t query = 0; query < n; ++query) {
      if (special_queries[query]) continue;
      add_row(values.subspan((head * n + query) * m, m), cross ? -1 : static_cast<int64_t>(query), special_keys,
              measures[head]);
    }
    for (double& sum : measures[head]) sum /= queries;
  }
  if (!cross) return measures;
  for (HeadMeasures& head : measures) {
    for (const AttentionMeasure measure :
         {AttentionMeasure::Distance, AttentionMeasure::Previous, AttentionMeasure::Next}) {
      head[static_cast<size_t>(measure)] = std::numeric_limits<double>::quiet_NaN();
    }
  }
  return measures;
}

void RunningMean::add(double value) {
  ++count_;
  const double before = value - mean_;
  mean_ += before / static_cast<double>(count_);
  squares_ += before * (value - mean_);
}

double RunningMean::half_width() const {
  if (count_ < 2) return 0;
  const auto n = static_cast<double>(count_);
  return kZ95 * std::sqrt(squares_ / (n - 1) / n);
}

}  // namespace espalier
