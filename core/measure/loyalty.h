#pragma once
// How far a student says what its teacher says: label and probability loyalty (Xu 2021, arXiv 2109.03228), fidelity
// (Stanton 2021, arXiv 2106.05945). All take (N, C) logits over the same examples; gold labels have no part in it.

#include <vector>

#include "base/tensor.h"
#include "measure/interval.h"

namespace espalier {

enum class LogBase { Natural, Two };

double label_loyalty(const Tensor& teacher_logits, const Tensor& student_logits);
double probability_loyalty(const Tensor& teacher_logits, const Tensor& student_logits, LogBase base = LogBase::Natural);
// The same from two probability rows: 1 - sqrt(Jensen-Shannon divergence). The root is of the divergence: the
// Jensen-Shannon distance is taken once.
double probability_agreement(const std::vector<double>& p, const std::vector<double>& q,
                             LogBase base = LogBase::Natural);

// KL(p || q) of two probability rows, nats; infinite where q is 0 and p is not.
double kl_divergence(const std::vector<double>& p, const std::vector<double>& q);

struct Fidelity {
  Interval agreement_percent;  // Wilson; same answer, 0..100
  Interval kl;                 // bootstrap; mean KL(teacher || student) at temperature 1, nats
  double teacher_ece = 0;      // 10 equal bins; 0 where no gold labels were given
  double student_ece = 0;
};
// `labels` (optional, empty: none) serve the calibration errors only.
Fidelity fidelity(const Tensor& teacher_logits, const Tensor& student_logits, const std::vector<int32_t>& labels = {});

// The ensemble of several teachers as one: log of the mean of the members' probabilities, (N, C). It may be given as
// teacher_logits above. InvalidInput when there is no member or shapes differ.
Tensor ensemble_log_probabilities(const std::vector<Tensor>& member_logits);

}  // namespace espalier
