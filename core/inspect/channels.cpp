#include "inspect/channels.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "inspect/parallel.h"

namespace espalier {
namespace {

constexpr float kNothing = std::numeric_limits<float>::infinity();
constexpr ChannelRange kEmpty = {kNothing, -kNothing};

void widen(ChannelRange& range, float value) {
  range.min = std::min(range.min, value);
  range.max = std::max(range.max, value);
}

void close(std::vector<ChannelRange>& ranges) {
  for (ChannelRange& range : ranges) {
    if (range.min > range.max) range = {};
  }
}

}  // namespace

ChannelRanges channel_ranges(const Matrix& matrix, const CancelToken& cancel) {
  ChannelRanges ranges;
  ranges.rows.assign(static_cast<size_t>(matrix.rows()), kEmpty);
  ranges.columns.assign(static_cast<size_t>(matrix.cols()), kEmpty);
  const int64_t block = rows_per_block(matrix.cols());
  std::vector<float> values;
  for (int64_t begin = 0; begin < matrix.rows(); begin += block) {
    cancel.throw_if_cancelled();
    const int64_t end = std::min(matrix.rows(), begin + block);
    values.resize(static_cast<size_t>((end - begin) * matrix.cols()));
    matrix.read_rows(begin, end, values);
    size_t at = 0;
    for (int64_t row = begin; row < end; ++row) {
      for (ChannelRange& column : ranges.columns) {
        const float value = values[at++];
        if (!std::isfinite(value)) continue;
        widen(ranges.rows[static_cast<size_t>(row)], value);
        widen(column, value);
      }
    }
  }
  close(ranges.rows);
  close(ranges.columns);
  return ranges;
}

double range_ratio(const std::vector<ChannelRange>& channels) {
  if (channels.empty()) return 0;
  std::vector<double> sizes;
  for (const ChannelRange& channel : channels) sizes.push_back(channel.abs_max());
  std::ranges::sort(sizes);
  const double median = sizes[sizes.size() / 2];
  return median > 0 ? sizes.back() / median : 0;
}

}  // namespace espalier
