#include "job_kinds/front.h"

#include <algorithm>
#include <limits>

#include "base/json.h"

namespace espalier {

std::vector<size_t> pareto_front(const std::vector<Json>& rows, const std::string& quality, const std::string& cost) {
  std::vector<size_t> order;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].contains(quality) && rows[i].contains(cost)) order.push_back(i);
  }
  const auto of = [&](size_t row, const std::string& member) { return rows[row].at(member).get<double>(); };
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (of(a, cost) != of(b, cost)) return of(a, cost) < of(b, cost);
    return of(a, quality) > of(b, quality);
  });
  std::vector<size_t> front;
  double best = -std::numeric_limits<double>::infinity();
  for (const size_t row : order) {
    const bool equals_last = !front.empty() && of(row, quality) == best && of(row, cost) == of(front.back(), cost);
    if (of(row, quality) <= best && !equals_last) continue;
    front.push_back(row);
    best = of(row, quality);
  }
  return front;
}

std::vector<size_t> pareto_front(const std::vector<Json>& rows) {
  return pareto_front(rows, rows.empty() ? "accuracy" : rows.front().value("metric", "accuracy"), "bundle_bytes");
}

}  // namespace espalier
