#pragma once
// Where the large values of a matrix are: what sets the range of a quantizer.

#include <cstdint>
#include <vector>

#include "base/cancel.h"
#include "inspect/matrix.h"

namespace espalier {

// The least and the largest finite value of each channel; both 0 where it has none.
struct ChannelRanges {
  std::vector<float> low;
  std::vector<float> high;
};
enum class ChannelAxis { Rows, Columns };
ChannelRanges channel_ranges(const Matrix& matrix, ChannelAxis axis, const CancelToken& cancel = {});

struct PlacedValue {
  int64_t row = 0, col = 0;
  float value = 0;
  bool operator==(const PlacedValue&) const = default;
};
// The `count` finite values of largest magnitude, largest first, equal ones by row and column.
std::vector<PlacedValue> largest_values(const Matrix& matrix, int64_t count, const CancelToken& cancel = {});

}  // namespace espalier
