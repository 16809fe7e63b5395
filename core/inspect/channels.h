#pragma once
#include <vector>

#include "base/cancel.h"
#include "inspect/matrix.h"

namespace espalier {

// The finite values of one row or column lie in [min, max]; both 0 where there is none.
struct ChannelRange {
  float min = 0, max = 0;
  float abs_max() const { return min < -max ? -min : max; }
};

struct ChannelRanges {
  std::vector<ChannelRange> rows;     // output channels of a linear
  std::vector<ChannelRange> columns;  // input channels
};
ChannelRanges channel_ranges(const Matrix& matrix, const CancelToken& cancel = {});

// Largest range of a channel over the median one: what a single scale for the matrix costs the others. 0 when the
// median is 0.
double range_ratio(const std::vector<ChannelRange>& channels);

}  // namespace espalier
