#pragma once
// Out-of-distribution drop: a model on the data it was made for and on data built to break its shortcuts (Du 2021,
// arXiv 2110.08419).

#include <optional>
#include <vector>

#include "measure/interval.h"

namespace espalier {

struct ShiftedQuality {
  Interval dev_accuracy, shifted_accuracy;  // Wilson
  double drop = 0;                          // accuracy on dev - accuracy on the shifted set
};
ShiftedQuality shifted_quality(const std::vector<bool>& dev_right, const std::vector<bool>& shifted_right);

// (drop of the compressed model - drop of the full one) / drop of the full one; empty when the full one does not drop.
std::optional<double> relative_gap(double compressed_drop, double full_drop);

// Variance over epochs of a teacher's loss: losses[epoch][example]. Large: the example is hard.
std::vector<double> loss_variances(const std::vector<std::vector<double>>& losses);

// Accuracy on the easier and the harder half of the examples by `difficulty`; equal values stay in data order.
struct DifficultyQuality {
  Interval easy_accuracy, hard_accuracy;
};
DifficultyQuality quality_by_difficulty(const std::vector<bool>& right, const std::vector<double>& difficulty);

}  // namespace espalier
