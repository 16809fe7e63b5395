#include "measure/logits.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace espalier {

void check_logits(const Tensor& logits) {
  if (logits.dim() != 2 || logits.size(1) < 1 || logits.dtype() != DType::F32) {
    throw Error(ErrorKind::InvalidInput, {.what = "these are no logits of a classifier",
                                          .where = {},
                                          .got = to_string(logits.shape()),
                                          .wanted = "one row of float32 values an example",
                                          .next = "Use a model with a classification head."});
  }
}

void check_same_logits(const Tensor& a, const Tensor& b) {
  check_logits(a);
  check_logits(b);
  if (a.shape() != b.shape()) {
    throw Error(ErrorKind::InvalidInput, {.what = "the logits of the two models have different shapes",
                                          .where = {},
                                          .got = to_string(b.shape()),
                                          .wanted = to_string(a.shape()),
                                          .next = {}});
  }
}

std::span<const float> logits_row(const Tensor& logits, int64_t row) {
  const auto width = static_cast<size_t>(logits.size(1));
  return logits.values<float>().subspan(static_cast<size_t>(row) * width, width);
}

int32_t argmax(std::span<const float> row) {
  return static_cast<int32_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

std::vector<double> softmax(std::span<const float> row) {
  std::vector<double> values = log_softmax(row);
  for (double& value : values) value = std::exp(value);
  return values;
}

std::vector<double> log_softmax(std::span<const float> row) {
  const double top = *std::max_element(row.begin(), row.end());
  double sum = 0;
  for (const float value : row) sum += std::exp(value - top);
  const double shift = top + std::log(sum);
  std::vector<double> values;
  for (const float value : row) values.push_back(value - shift);
  return values;
}

}  // namespace espalier
