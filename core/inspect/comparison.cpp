#include "inspect/comparison.h"

#include <fmt/format.h>

#include "base/error.h"
#include "inspect/rows.h"

namespace espalier {
namespace {

std::string sizes(int64_t rows, int64_t cols) { return fmt::format("({}, {})", rows, cols); }

void check_places(const std::vector<int64_t>& places, int64_t count, int64_t room, const char* axis) {
  bool fits = places.empty() ? count == room : static_cast<int64_t>(places.size()) == count;
  for (const int64_t place : places) fits = fits && place >= 0 && place < room;
  if (fits) return;
  throw Error(ErrorKind::InvalidInput, {.what = "a matrix does not fit into another",
                                        .where = axis,
                                        .got = std::to_string(count),
                                        .wanted = fmt::format("a place each among {}", room),
                                        .next = {}});
}

}  // namespace

Tensor difference(const Matrix& before, const Matrix& after, const CancelToken& cancel) {
  if (before.rows() != after.rows() || before.cols() != after.cols()) {
    throw Error(ErrorKind::InvalidInput, {.what = "two matrices of different shapes have no difference",
                                          .where = {},
                                          .got = sizes(after.rows(), after.cols()),
                                          .wanted = sizes(before.rows(), before.cols()),
                                          .next = {}});
  }
  std::vector<float> result(static_cast<size_t>(before.rows() * before.cols()));
  for_each_rows(before, rows_per_block(before.cols()), cancel,
                [&](int64_t, std::span<const float> values, int64_t begin, int64_t end) {
                  const std::span into(result.data() + begin * before.cols(), values.size());
                  after.read_rows(begin, end, into);
                  for (size_t i = 0; i < values.size(); ++i) into[i] -= values[i];
                });
  return Tensor::from({before.rows(), before.cols()}, std::move(result));
}

Tensor spread(const Matrix& part, int64_t rows, int64_t cols, const std::vector<int64_t>& row_places,
              const std::vector<int64_t>& column_places, const CancelToken& cancel) {
  check_places(row_places, part.rows(), rows, "rows");
  check_places(column_places, part.cols(), cols, "columns");
  std::vector<float> result(static_cast<size_t>(rows * cols));
  for_each_rows(part, rows_per_block(part.cols()), cancel,
                [&](int64_t, std::span<const float> values, int64_t begin, int64_t) {
                  for (size_t i = 0; i < values.size(); ++i) {
                    const auto at = static_cast<int64_t>(i);
                    const int64_t row = begin + at / part.cols(), col = at % part.cols();
                    const int64_t to_row = row_places.empty() ? row : row_places[static_cast<size_t>(row)];
                    const int64_t to_col = column_places.empty() ? col : column_places[static_cast<size_t>(col)];
                    result[static_cast<size_t>(to_row * cols + to_col)] = values[i];
                  }
                });
  return Tensor::from({rows, cols}, std::move(result));
}

}  // namespace espalier
