#pragma once
// Quality of predictions against labels, with 95 % intervals, and agreement between two models.

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/tensor.h"
#include "data/task.h"

namespace espalier {

struct Interval {
  double value = 0, low = 0, high = 0;
};

// Hits of n with a Wilson score interval (Wilson 1927) at 95 %.
Interval proportion(int64_t hits, int64_t n);

double f1_score(const std::vector<int32_t>& labels, const std::vector<int32_t>& predictions, int32_t positive = 1);
double macro_f1(const std::vector<int32_t>& labels, const std::vector<int32_t>& predictions, int32_t num_labels);
// Matthews correlation of any number of classes (Gorodkin 2004); 0 when either side is constant.
double matthews(const std::vector<int32_t>& labels, const std::vector<int32_t>& predictions, int32_t num_labels);
double pearson(const std::vector<double>& a, const std::vector<double>& b);
double spearman(const std::vector<double>& a, const std::vector<double>& b);  // ties get mean ranks

// Two-sided McNemar test on the examples where exactly one of two models is right: exact binomial below 50 such
// examples, chi-square with continuity correction above.
double mcnemar_p(const std::vector<bool>& baseline_right, const std::vector<bool>& right);

// logits (N, C) F32, labels per row.
struct Quality {
  int64_t examples = 0;
  Interval accuracy, f1, mcc;  // f1: of label 1 when binary, macro else; f1 and mcc by 1,000 bootstrap resamples
  std::vector<int32_t> predictions;
  std::vector<bool> right;
};
Quality classification_quality(const Tensor& logits, const std::vector<int32_t>& labels, uint64_t seed = 1);
Json to_json(const Quality& quality);  // the Row members, no predictions

// methods: label-loyalty, probability-loyalty (natural log). Both (N, C) logits over the same examples.
double label_loyalty(const Tensor& teacher_logits, const Tensor& student_logits);
double probability_loyalty(const Tensor& teacher_logits, const Tensor& student_logits);
// The same from two probability rows: 1 - sqrt(Jensen-Shannon divergence).
double probability_agreement(const std::vector<double>& p, const std::vector<double>& q);

}  // namespace espalier
