#pragma once
// Quality of a classifier's predictions against labels, with 95 % intervals.

#include <string>
#include <vector>

#include "base/tensor.h"
#include "measure/interval.h"

namespace espalier {

double f1_score(const std::vector<int32_t>& labels, const std::vector<int32_t>& predictions, int32_t positive = 1);
double macro_f1(const std::vector<int32_t>& labels, const std::vector<int32_t>& predictions, int32_t num_labels);
// Matthews correlation of any number of classes (Gorodkin 2004); 0 when either side is constant.
double matthews(const std::vector<int32_t>& labels, const std::vector<int32_t>& predictions, int32_t num_labels);

// The same of the examples chosen, for bootstrap() and paired_bootstrap(): F1 of label 1 when there are two labels,
// macro F1 else; Matthews. Labels out of range are InvalidInput.
Statistic f1_statistic(const std::vector<int32_t>& labels, const std::vector<int32_t>& predictions, int32_t num_labels);
Statistic matthews_statistic(const std::vector<int32_t>& labels, const std::vector<int32_t>& predictions,
                             int32_t num_labels);

// logits (N, C) F32, labels per row.
struct Quality {
  int64_t examples = 0;
  Interval accuracy;           // Wilson
  Interval f1, mcc;            // bootstrap; f1 of label 1 when binary, macro else
  Interval calibration_error;  // bootstrap; expected calibration error, 10 bins
  Interval nll;                // bootstrap; mean negative log-likelihood of the label, nats
  std::vector<int32_t> predictions;
  std::vector<bool> right;
};
Quality classification_quality(const Tensor& logits, const std::vector<int32_t>& labels,
                               uint64_t seed = kBootstrapSeed);
Json to_json(const Quality& quality);  // the Row members, no predictions

// Intent detection with a label for what is none of the intents (Larson 2019, arXiv 1909.02027).
struct OutOfScope {
  Interval in_scope_accuracy;    // of the examples whose label is an intent
  Interval out_of_scope_recall;  // of the examples whose label is `out_of_scope`: how many were predicted so
};
OutOfScope out_of_scope_quality(const std::vector<int32_t>& labels, const std::vector<int32_t>& predictions,
                                int32_t out_of_scope);

}  // namespace espalier
