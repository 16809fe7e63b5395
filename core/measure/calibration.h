#pragma once
#include <vector>

#include "base/tensor.h"
#include "measure/interval.h"

namespace espalier {

inline constexpr int kCalibrationBins = 10;

// Expected calibration error (Guo 2017, arXiv 1706.04599, eq. 3): the mean over examples of |accuracy - confidence| of
// their bin; ten bins of equal width, each without its lower and with its upper edge. confidences in [0, 1].
double expected_calibration_error(const std::vector<double>& confidences, const std::vector<bool>& right,
                                  int bins = kCalibrationBins);

// The same of the examples chosen; confidence is the largest probability of the row of logits (N, C).
Statistic calibration_statistic(const Tensor& logits, const std::vector<int32_t>& labels, int bins = kCalibrationBins);

// -log p(label) of every row, in nats. Labels out of range are InvalidInput.
std::vector<double> negative_log_likelihoods(const Tensor& logits, const std::vector<int32_t>& labels);

}  // namespace espalier
