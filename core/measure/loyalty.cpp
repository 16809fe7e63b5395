#include "measure/loyalty.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "measure/calibration.h"
#include "measure/check_sizes.h"
#include "measure/logits.h"

namespace espalier {
namespace {

// p ln(p / q) with its limit 0 at p = 0.
double kl_term(double p, double q) {
  if (p <= 0) return 0;
  return q <= 0 ? std::numeric_limits<double>::infinity() : p * std::log(p / q);
}

int64_t count_same(const Tensor& a, const Tensor& b) {
  int64_t same = 0;
  for (int64_t i = 0; i < a.size(0); ++i) same += argmax(logits_row(a, i)) == argmax(logits_row(b, i));
  return same;
}

double ece_of(const Tensor& logits, const std::vector<int32_t>& labels) {
  return calibration_statistic(logits, labels)(all_examples(labels.size()));
}

}  // namespace

double label_loyalty(const Tensor& teacher_logits, const Tensor& student_logits) {
  check_same_logits(teacher_logits, student_logits);
  const int64_t n = teacher_logits.size(0);
  return n == 0 ? 1 : static_cast<double>(count_same(teacher_logits, student_logits)) / static_cast<double>(n);
}

double probability_loyalty(const Tensor& teacher_logits, const Tensor& student_logits, LogBase base) {
  check_same_logits(teacher_logits, student_logits);
  const int64_t n = teacher_logits.size(0);
  double total = 0;
  for (int64_t i = 0; i < n; ++i) {
    total +=
        probability_agreement(softmax(logits_row(teacher_logits, i)), softmax(logits_row(student_logits, i)), base);
  }
  return n == 0 ? 1 : total / static_cast<double>(n);
}

double probability_agreement(const std::vector<double>& p, const std::vector<double>& q, LogBase base) {
  check_sizes(p.size(), q.size());
  double divergence = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    const double middle = (p[i] + q[i]) / 2;
    divergence += (kl_term(p[i], middle) + kl_term(q[i], middle)) / 2;
  }
  if (base == LogBase::Two) divergence /= std::log(2.0);
  // Rounding may leave a hair below zero for equal rows.
  return 1 - std::sqrt(std::max(0.0, divergence));
}

double kl_divergence(const std::vector<double>& p, const std::vector<double>& q) {
  check_sizes(p.size(), q.size());
  double sum = 0;
  for (size_t i = 0; i < p.size(); ++i) sum += kl_term(p[i], q[i]);
  return std::max(0.0, sum);
}

Fidelity fidelity(const Tensor& teacher_logits, const Tensor& student_logits, const std::vector<int32_t>& labels) {
  check_same_logits(teacher_logits, student_logits);
  const int64_t n = teacher_logits.size(0);
  Fidelity result;
  const Interval same = proportion(count_same(teacher_logits, student_logits), n);
  result.agreement_percent = {100 * same.value, 100 * same.low, 100 * same.high};
  std::vector<double> divergences;
  for (int64_t i = 0; i < n; ++i) {
    // From logarithms: a probability that underflows to 0 still has a finite divergence.
    const std::vector<double> teacher = log_softmax(logits_row(teacher_logits, i));
    const std::vector<double> student = log_softmax(logits_row(student_logits, i));
    double sum = 0;
    for (size_t c = 0; c < teacher.size(); ++c) {
      const double p = std::exp(teacher[c]);
      if (p > 0) sum += p * (teacher[c] - student[c]);
    }
    divergences.push_back(std::max(0.0, sum));
  }
  result.kl = bootstrap_mean(divergences);
  if (!labels.empty()) {
    result.teacher_ece = ece_of(teacher_logits, labels);
    result.student_ece = ece_of(student_logits, labels);
  }
  return result;
}

Tensor ensemble_log_probabilities(const std::vector<Tensor>& member_logits) {
  if (member_logits.empty()) throw Error(ErrorKind::InvalidInput, "an ensemble needs at least one member");
  for (const Tensor& member : member_logits) check_same_logits(member_logits.front(), member);
  const Tensor& first = member_logits.front();
  std::vector<float> values;
  for (int64_t i = 0; i < first.size(0); ++i) {
    std::vector<std::vector<double>> logs;
    for (const Tensor& member : member_logits) logs.push_back(log_softmax(logits_row(member, i)));
    for (size_t c = 0; c < logs.front().size(); ++c) {
      double top = -std::numeric_limits<double>::infinity(), sum = 0;
      for (const auto& row : logs) top = std::max(top, row[c]);
      for (const auto& row : logs) sum += std::exp(row[c] - top);
      values.push_back(static_cast<float>(top + std::log(sum / static_cast<double>(logs.size()))));
    }
  }
  return Tensor::from(first.shape(), std::move(values));
}

}  // namespace espalier
