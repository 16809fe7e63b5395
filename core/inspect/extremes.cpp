#include "inspect/extremes.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <tuple>

#include "inspect/rows.h"

namespace espalier {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

bool comes_first(const PlacedValue& a, const PlacedValue& b) {
  return std::tuple(-std::abs(a.value), a.row, a.col) < std::tuple(-std::abs(b.value), b.row, b.col);
}

void keep_first(std::vector<PlacedValue>& values, int64_t count) {
  std::sort(values.begin(), values.end(), comes_first);
  if (static_cast<int64_t>(values.size()) > count) values.resize(static_cast<size_t>(count));
}

}  // namespace

ChannelRanges channel_ranges(const Matrix& matrix, ChannelAxis axis, const CancelToken& cancel) {
  const bool by_rows = axis == ChannelAxis::Rows;
  const auto channels = static_cast<size_t>(by_rows ? matrix.rows() : matrix.cols());
  ChannelRanges ranges{std::vector<float>(channels, kInfinity), std::vector<float>(channels, -kInfinity)};
  std::mutex mutex;
  const auto cols = static_cast<size_t>(matrix.cols());
  for_each_rows(matrix, rows_per_block(matrix.cols()), cancel,
                [&](int64_t, std::span<const float> values, int64_t begin, int64_t) {
                  // Rows belong to one block each; columns are gathered from all.
                  ChannelRanges own;
                  if (!by_rows) own = {std::vector<float>(cols, kInfinity), std::vector<float>(cols, -kInfinity)};
                  ChannelRanges& into = by_rows ? ranges : own;
                  for (size_t i = 0; i < values.size(); ++i) {
                    const float value = values[i];
                    if (!std::isfinite(value)) continue;
                    const size_t channel = by_rows ? static_cast<size_t>(begin) + i / cols : i % cols;
                    into.low[channel] = std::min(into.low[channel], value);
                    into.high[channel] = std::max(into.high[channel], value);
                  }
                  if (by_rows) return;
                  const std::lock_guard lock(mutex);
                  for (size_t c = 0; c < cols; ++c) {
                    ranges.low[c] = std::min(ranges.low[c], own.low[c]);
                    ranges.high[c] = std::max(ranges.high[c], own.high[c]);
                  }
                });
  for (size_t c = 0; c < channels; ++c) {
    if (ranges.low[c] > ranges.high[c]) ranges.low[c] = ranges.high[c] = 0;
  }
  return ranges;
}

std::vector<PlacedValue> largest_values(const Matrix& matrix, int64_t count, const CancelToken& cancel) {
  std::vector<PlacedValue> found;
  if (count < 1) return found;
  std::mutex mutex;
  for_each_rows(matrix, rows_per_block(matrix.cols()), cancel,
                [&](int64_t, std::span<const float> values, int64_t begin, int64_t) {
                  std::vector<PlacedValue> own;
                  float least = 0;  // smaller magnitudes are certain not to be among the first
                  for (size_t i = 0; i < values.size(); ++i) {
                    const float value = values[i];
                    if (!std::isfinite(value) || value == 0 || std::abs(value) < least) continue;
                    const auto at = static_cast<int64_t>(i);
                    own.push_back({begin + at / matrix.cols(), at % matrix.cols(), value});
                    if (static_cast<int64_t>(own.size()) < 4 * count) continue;
                    keep_first(own, count);
                    least = std::abs(own.back().value);
                  }
                  const std::lock_guard lock(mutex);
                  found.insert(found.end(), own.begin(), own.end());
                  keep_first(found, count);
                });
  return found;
}

}  // namespace espalier
