#include "measure/calibration.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "measure/check_sizes.h"
#include "measure/logits.h"

namespace espalier {
namespace {

struct Bin {
  double right = 0, confidence = 0;
};

double calibration_error(const std::vector<Bin>& bins, size_t n) {
  double sum = 0;
  for (const Bin& bin : bins) sum += std::abs(bin.right - bin.confidence);
  return n == 0 ? 0 : sum / static_cast<double>(n);
}

size_t bin_of(double confidence, int bins) {
  const auto upper_edge = static_cast<int>(std::ceil(confidence * bins));
  return static_cast<size_t>(std::clamp(upper_edge - 1, 0, bins - 1));
}

}  // namespace

double expected_calibration_error(const std::vector<double>& confidences, const std::vector<bool>& right, int bins) {
  check_sizes(confidences.size(), right.size());
  std::vector<Bin> filled(static_cast<size_t>(bins));
  for (size_t i = 0; i < right.size(); ++i) {
    Bin& bin = filled[bin_of(confidences[i], bins)];
    bin.right += right[i];
    bin.confidence += confidences[i];
  }
  return calibration_error(filled, right.size());
}

Statistic calibration_statistic(const Tensor& logits, const std::vector<int32_t>& labels, int bins) {
  check_logits(logits);
  check_sizes(static_cast<size_t>(logits.size(0)), labels.size());
  struct Row {
    size_t bin = 0;
    double right = 0, confidence = 0;
  };
  std::vector<Row> rows;
  for (int64_t i = 0; i < logits.size(0); ++i) {
    const auto row = logits_row(logits, i);
    const int32_t predicted = argmax(row);
    const double confidence = softmax(row)[static_cast<size_t>(predicted)];
    rows.push_back({bin_of(confidence, bins), predicted == labels[static_cast<size_t>(i)] ? 1.0 : 0.0, confidence});
  }
  return [rows = std::move(rows), bins](std::span<const uint32_t> examples) {
    std::vector<Bin> filled(static_cast<size_t>(bins));
    for (const uint32_t example : examples) {
      const Row& row = rows[example];
      filled[row.bin].right += row.right;
      filled[row.bin].confidence += row.confidence;
    }
    return calibration_error(filled, examples.size());
  };
}

std::vector<double> negative_log_likelihoods(const Tensor& logits, const std::vector<int32_t>& labels) {
  check_logits(logits);
  check_sizes(static_cast<size_t>(logits.size(0)), labels.size());
  std::vector<double> losses;
  for (int64_t i = 0; i < logits.size(0); ++i) {
    const int32_t label = labels[static_cast<size_t>(i)];
    if (label < 0 || label >= logits.size(1)) {
      throw Error(ErrorKind::InvalidInput, {.what = "a label is out of range",
                                            .where = "example " + std::to_string(i),
                                            .got = std::to_string(label),
                                            .wanted = "0 to " + std::to_string(logits.size(1) - 1),
                                            .next = "Check that model and task have the same labels."});
    }
    losses.push_back(-log_softmax(logits_row(logits, i))[static_cast<size_t>(label)]);
  }
  return losses;
}

}  // namespace espalier
