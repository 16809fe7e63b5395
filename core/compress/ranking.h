#pragma once
#include <cstdint>
#include <vector>

namespace espalier {

// scores[set][item]: which `count` items to remove: the lowest scores of all sets together, while every set keeps at
// least `minimum` of its items. Ties go to the earlier set, then the earlier item; a NaN counts as the highest score.
// Fewer than `count` are given only when the minimum allows no more. Ascending in every set.
std::vector<std::vector<int64_t>> lowest_items(const std::vector<std::vector<double>>& scores, int64_t count,
                                               int64_t minimum);

// The items of 0..size-1 that are not in `removed` (ascending).
std::vector<int64_t> complement(const std::vector<int64_t>& removed, int64_t size);

// Share of `total` to remove, rounded to the nearest whole (halves up).
int64_t share_of(double fraction, int64_t total);

}  // namespace espalier
