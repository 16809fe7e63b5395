#include "inspect/statistics.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <mutex>

#include "base/error.h"
#include "inspect/rows.h"

namespace espalier {
namespace {

// Magnitudes sorted into 2^15 classes by exponent and seven bits of mantissa: adding one to the class number is the
// next larger class, because the bits of non-negative floats are ordered as the floats are.
constexpr size_t kClasses = size_t{1} << 15;
size_t class_of(float magnitude) { return std::bit_cast<uint32_t>(magnitude) >> 16; }

struct Partial {
  int64_t count = 0, zeros = 0, non_finite = 0;
  float min = std::numeric_limits<float>::infinity();
  float max = -std::numeric_limits<float>::infinity();
  double mean = 0, squared_deviations = 0, squares = 0;
  std::vector<double> column_squares;
};

// Chan, Golub and LeVeque 1979.
void merge(Partial& into, const Partial& from) {
  const int64_t n = into.count + from.count;
  if (from.count > 0) {
    const double delta = from.mean - into.mean;
    const double share = static_cast<double>(from.count) / static_cast<double>(n);
    into.squared_deviations += from.squared_deviations + delta * delta * static_cast<double>(into.count) * share;
    into.mean += delta * share;
  }
  into.count = n;
  into.zeros += from.zeros;
  into.non_finite += from.non_finite;
  into.min = std::min(into.min, from.min);
  into.max = std::max(into.max, from.max);
  into.squares += from.squares;
  for (size_t c = 0; c < from.column_squares.size(); ++c) into.column_squares[c] += from.column_squares[c];
}

void add_row(std::span<const float> row, Partial& partial, double& row_norm) {
  double sum = 0, squares = 0;
  for (size_t c = 0; c < row.size(); ++c) {
    const float value = row[c];
    if (!std::isfinite(value)) {
      ++partial.non_finite;
      continue;
    }
    const double square = static_cast<double>(value) * value;
    partial.zeros += value == 0;
    partial.min = std::min(partial.min, value);
    partial.max = std::max(partial.max, value);
    partial.column_squares[c] += square;
    sum += value;
    squares += square;
    ++partial.count;
  }
  partial.squares += squares;
  partial.mean += sum;  // a sum until the block ends
  row_norm = std::sqrt(squares);
}

Partial summarize_rows(std::span<const float> values, int64_t cols, std::span<double> row_norms) {
  Partial partial;
  partial.column_squares.assign(static_cast<size_t>(cols), 0);
  for (size_t r = 0; r < row_norms.size(); ++r) {
    add_row(values.subspan(r * static_cast<size_t>(cols), static_cast<size_t>(cols)), partial, row_norms[r]);
  }
  if (partial.count == 0) return partial;
  partial.mean /= static_cast<double>(partial.count);
  for (const float value : values) {
    if (!std::isfinite(value)) continue;
    const double deviation = value - partial.mean;
    partial.squared_deviations += deviation * deviation;
  }
  return partial;
}

int64_t nearest_rank(double share, int64_t count) {
  return std::clamp<int64_t>(static_cast<int64_t>(std::ceil(share * static_cast<double>(count))), 1, count) - 1;
}

// The second pass: collects the values of the few classes that hold a wanted rank, and picks them exactly.
void settle_quantiles(const Matrix& matrix, int64_t block_rows, const std::vector<std::atomic<int64_t>>& classes,
                      Statistics& statistics, const CancelToken& cancel) {
  struct Wanted {
    int64_t rank_in_class;
    size_t class_number;
  };
  const int64_t finite = statistics.count - statistics.non_finite;
  if (finite == 0) return;
  std::vector<Wanted> wanted;
  std::vector<std::vector<float>> collected(kClasses);
  std::vector<bool> is_wanted(kClasses, false);
  for (const double share : kAbsQuantiles) {
    int64_t rank = nearest_rank(share, finite);
    size_t number = 0;
    while (rank >= classes[number]) rank -= classes[number++];
    wanted.push_back({rank, number});
    is_wanted[number] = true;
  }
  std::mutex mutex;
  for_each_rows(matrix, block_rows, cancel, [&](int64_t, std::span<const float> values, int64_t, int64_t) {
    thread_local std::vector<float> found;
    found.clear();
    for (const float value : values) {
      const float magnitude = std::abs(value);
      if (is_wanted[class_of(magnitude)] && std::isfinite(value)) found.push_back(magnitude);
    }
    const std::lock_guard lock(mutex);
    for (const float magnitude : found) collected[class_of(magnitude)].push_back(magnitude);
  });
  for (size_t i = 0; i < wanted.size(); ++i) {
    auto& values = collected[wanted[i].class_number];
    std::nth_element(values.begin(), values.begin() + wanted[i].rank_in_class, values.end());
    statistics.abs_quantiles[i] = values[static_cast<size_t>(wanted[i].rank_in_class)];
  }
}

}  // namespace

MatrixSummary summarize(const Matrix& matrix, const CancelToken& cancel) {
  // Fixed by the matrix alone, so that sums do not depend on the number of threads. At most 512 blocks bound the memory
  // of the column sums.
  const int64_t block_rows = std::max(rows_per_block(matrix.cols()), (matrix.rows() + 511) / 512);
  const auto blocks = static_cast<size_t>((matrix.rows() + block_rows - 1) / block_rows);
  MatrixSummary summary;
  summary.row_norms.resize(static_cast<size_t>(matrix.rows()));
  std::vector<Partial> partials(blocks);
  std::vector<std::atomic<int64_t>> classes(kClasses);
  for_each_rows(
      matrix, block_rows, cancel, [&](int64_t block, std::span<const float> values, int64_t begin, int64_t end) {
        const auto norms =
            std::span(summary.row_norms).subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
        partials[static_cast<size_t>(block)] = summarize_rows(values, matrix.cols(), norms);
        std::vector<int32_t> counts(kClasses);
        for (const float value : values) {
          if (std::isfinite(value)) ++counts[class_of(std::abs(value))];
        }
        for (size_t c = 0; c < kClasses; ++c) {
          if (counts[c] > 0) classes[c].fetch_add(counts[c], std::memory_order_relaxed);
        }
      });
  Partial total;
  total.column_squares.assign(static_cast<size_t>(matrix.cols()), 0);
  for (const Partial& partial : partials) merge(total, partial);

  Statistics& statistics = summary.statistics;
  statistics.count = matrix.rows() * matrix.cols();
  statistics.zeros = total.zeros;
  statistics.non_finite = total.non_finite;
  if (total.count > 0) {
    statistics.min = total.min;
    statistics.max = total.max;
    statistics.mean = total.mean;
    statistics.std = std::sqrt(total.squared_deviations / static_cast<double>(total.count));
    statistics.l2_norm = std::sqrt(total.squares);
  }
  settle_quantiles(matrix, block_rows, classes, statistics, cancel);
  for (const double squares : total.column_squares) summary.column_norms.push_back(std::sqrt(squares));
  return summary;
}

Histogram histogram(const Matrix& matrix, double low, double high, int bins, const CancelToken& cancel) {
  if (bins < 1 || bins > 65536 || !std::isfinite(low) || !std::isfinite(high) || low > high) {
    const std::string got = std::to_string(bins) + " bins from " + std::to_string(low) + " to " + std::to_string(high);
    throw Error(ErrorKind::InvalidInput, ErrorParts{"cannot count values into these bins", "", got,
                                                    "1 to 65536 bins over a finite, ascending range", ""});
  }
  if (low == high) {
    const double margin = std::max(std::abs(low), 1.0) * 0.5;
    low -= margin;
    high += margin;
  }
  Histogram result{.low = low, .high = high, .counts = std::vector<int64_t>(static_cast<size_t>(bins))};
  const double per_value = bins / (high - low);
  std::mutex mutex;
  for_each_rows(matrix, rows_per_block(matrix.cols()), cancel,
                [&](int64_t, std::span<const float> values, int64_t, int64_t) {
                  std::vector<int64_t> counts(static_cast<size_t>(bins));
                  int64_t below = 0, above = 0, non_finite = 0;
                  for (const float value : values) {
                    if (!std::isfinite(value)) {
                      ++non_finite;
                    } else if (value < low) {
                      ++below;
                    } else if (value > high) {
                      ++above;
                    } else {
                      ++counts[static_cast<size_t>(std::min<double>((value - low) * per_value, bins - 1))];
                    }
                  }
                  const std::lock_guard lock(mutex);
                  for (size_t b = 0; b < counts.size(); ++b) result.counts[b] += counts[b];
                  result.below += below;
                  result.above += above;
                  result.non_finite += non_finite;
                });
  return result;
}

}  // namespace espalier
