#include "compress/ranking.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

namespace espalier {

std::vector<std::vector<int64_t>> lowest_items(const std::vector<std::vector<double>>& scores, int64_t count,
                                               int64_t minimum) {
  std::vector<std::tuple<double, size_t, int64_t>> order;
  std::vector<int64_t> left;
  for (size_t set = 0; set < scores.size(); ++set) {
    left.push_back(static_cast<int64_t>(scores[set].size()));
    for (size_t item = 0; item < scores[set].size(); ++item) {
      const double score = scores[set][item];
      order.emplace_back(std::isnan(score) ? std::numeric_limits<double>::infinity() : score, set,
                         static_cast<int64_t>(item));
    }
  }
  std::ranges::sort(order);
  std::vector<std::vector<int64_t>> removed(scores.size());
  for (const auto& [score, set, item] : order) {
    if (count == 0) break;
    if (left[set] <= minimum) continue;
    removed[set].push_back(item);
    --left[set];
    --count;
  }
  for (auto& items : removed) std::ranges::sort(items);
  return removed;
}

std::vector<int64_t> complement(const std::vector<int64_t>& removed, int64_t size) {
  std::vector<int64_t> kept;
  size_t next = 0;
  for (int64_t item = 0; item < size; ++item) {
    if (next < removed.size() && removed[next] == item) {
      ++next;
    } else {
      kept.push_back(item);
    }
  }
  return kept;
}

int64_t share_of(double fraction, int64_t total) {
  return static_cast<int64_t>(std::floor(fraction * static_cast<double>(total) + 0.5));
}

}  // namespace espalier
