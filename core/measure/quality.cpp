#include "measure/quality.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.h"
#include "base/rng.h"

namespace espalier {
namespace {

constexpr double kZ95 = 1.959963984540054;  // 97.5 % point of the standard normal
constexpr int kBootstrapResamples = 1000;
constexpr int64_t kExactMcNemarBelow = 50;

void check_sizes(size_t a, size_t b) {
  if (a != b) {
    throw Error(ErrorKind::InvalidInput, {.what = "the two sides have different numbers of examples",
                                          .where = {},
                                          .got = std::to_string(a) + " and " + std::to_string(b),
                                          .wanted = {},
                                          .next = {}});
  }
}

// counts[label * classes + prediction].
using Confusion = std::vector<int64_t>;

Confusion count_confusion(const std::vector<int32_t>& labels, const std::vector<int32_t>& predictions,
                          int32_t classes) {
  check_sizes(labels.size(), predictions.size());
  Confusion counts(static_cast<size_t>(classes) * static_cast<size_t>(classes));
  for (size_t i = 0; i < labels.size(); ++i) {
    for (const int32_t value : {labels[i], predictions[i]}) {
      if (value < 0 || value >= classes) {
        throw Error(ErrorKind::InvalidInput, {.what = "a label is out of range",
                                              .where = "example " + std::to_string(i),
                                              .got = std::to_string(value),
                                              .wanted = "0 to " + std::to_string(classes - 1),
                                              .next = "Check that model and task have the same labels."});
      }
    }
    ++counts[static_cast<size_t>(labels[i]) * static_cast<size_t>(classes) + static_cast<size_t>(predictions[i])];
  }
  return counts;
}

struct Margins {
  std::vector<double> labels, predictions;
};

Margins margins(const Confusion& counts, size_t classes) {
  Margins sums = {std::vector<double>(classes), std::vector<double>(classes)};
  for (size_t row = 0; row < classes; ++row) {
    for (size_t column = 0; column < classes; ++column) {
      sums.labels[row] += static_cast<double>(counts[row * classes + column]);
      sums.predictions[column] += static_cast<double>(counts[row * classes + column]);
    }
  }
  return sums;
}

// F1 of a class; 0 when it neither occurs nor is predicted.
double f1_of(const Confusion& counts, const Margins& sums, size_t classes, size_t positive) {
  const double denominator = sums.labels[positive] + sums.predictions[positive];
  return denominator == 0 ? 0 : 2 * static_cast<double>(counts[positive * classes + positive]) / denominator;
}

double f1_of(const Confusion& counts, size_t classes, bool macro, size_t positive) {
  const Margins sums = margins(counts, classes);
  if (!macro) return f1_of(counts, sums, classes, positive);
  double total = 0;
  for (size_t c = 0; c < classes; ++c) total += f1_of(counts, sums, classes, c);
  return total / static_cast<double>(classes);
}

double matthews_of(const Confusion& counts, size_t classes) {
  const Margins sums = margins(counts, classes);
  double n = 0, right = 0, agreement = 0, label_squares = 0, prediction_squares = 0;
  for (size_t c = 0; c < classes; ++c) {
    n += sums.labels[c];
    right += static_cast<double>(counts[c * classes + c]);
    agreement += sums.labels[c] * sums.predictions[c];
    label_squares += sums.labels[c] * sums.labels[c];
    prediction_squares += sums.predictions[c] * sums.predictions[c];
  }
  const double spread = (n * n - label_squares) * (n * n - prediction_squares);
  return spread <= 0 ? 0 : (right * n - agreement) / std::sqrt(spread);
}

std::pair<double, double> middle_95(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    return values[static_cast<size_t>(std::lround(share * static_cast<double>(values.size() - 1)))];
  };
  return {at(0.025), at(0.975)};
}

std::vector<double> mean_ranks(const std::vector<double>& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    const double mean = (static_cast<double>(begin) + static_cast<double>(end - 1)) / 2 + 1;
    for (size_t i = begin; i < end; ++i) ranks[order[i]] = mean;
    begin = end;
  }
  return ranks;
}

int32_t argmax(std::span<const float> row) {
  return static_cast<int32_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

std::span<const float> row_of(const Tensor& logits, int64_t row) {
  const auto width = static_cast<size_t>(logits.size(1));
  return logits.values<float>().subspan(static_cast<size_t>(row) * width, width);
}

void check_logits(const Tensor& logits) {
  if (logits.dim() != 2 || logits.size(1) < 1 || logits.dtype() != DType::F32) {
    throw Error(ErrorKind::InvalidInput, {.what = "these are no logits of a classifier",
                                          .where = {},
                                          .got = to_string(logits.shape()),
                                          .wanted = "one row of float32 values an example",
                                          .next = "Use a model with a classification head."});
  }
}

void check_same_shape(const Tensor& a, const Tensor& b) {
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

std::vector<double> softmax(std::span<const float> row) {
  const double top = *std::max_element(row.begin(), row.end());
  std::vector<double> p;
  double sum = 0;
  for (const float value : row) {
    p.push_back(std::exp(value - top));
    sum += p.back();
  }
  for (double& value : p) value /= sum;
  return p;
}

// p ln(p / q) with its limit 0 at p = 0.
double kl_term(double p, double q) { return p > 0 ? p * std::log(p / q) : 0; }

void add_interval(Json& json, const std::string& name, const Interval& interval) {
  json[name] = interval.value;
  json[name + "_low"] = interval.low;
  json[name + "_high"] = interval.high;
}

}  // namespace

Interval proportion(int64_t hits, int64_t n) {
  if (n <= 0) return {0, 0, 1};
  const double size = static_cast<double>(n), p = static_cast<double>(hits) / size, z2 = kZ95 * kZ95;
  const double centre = (p + z2 / (2 * size)) / (1 + z2 / size);
  const double half = kZ95 / (1 + z2 / size) * std::sqrt(p * (1 - p) / size + z2 / (4 * size * size));
  // At the ends rounding could leave the value outside its own interval.
  return {p, std::min(p, std::max(0.0, centre - half)), std::max(p, std::min(1.0, centre + half))};
}

double f1_score(const std::vector<int32_t>& labels, const std::vector<int32_t>& predictions, int32_t positive) {
  check_sizes(labels.size(), predictions.size());
  int64_t hits = 0, total = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    hits += labels[i] == positive && predictions[i] == positive;
    total += (labels[i] == positive) + (predictions[i] == positive);
  }
  return total == 0 ? 0 : 2 * static_cast<double>(hits) / static_cast<double>(total);
}

double macro_f1(const std::vector<int32_t>& labels, const std::vector<int32_t>& predictions, int32_t num_labels) {
  return f1_of(count_confusion(labels, predictions, num_labels), static_cast<size_t>(num_labels), true, 0);
}

double matthews(const std::vector<int32_t>& labels, const std::vector<int32_t>& predictions, int32_t num_labels) {
  return matthews_of(count_confusion(labels, predictions, num_labels), static_cast<size_t>(num_labels));
}

double pearson(const std::vector<double>& a, const std::vector<double>& b) {
  check_sizes(a.size(), b.size());
  if (a.empty()) return 0;
  const double n = static_cast<double>(a.size());
  const double mean_a = std::accumulate(a.begin(), a.end(), 0.0) / n;
  const double mean_b = std::accumulate(b.begin(), b.end(), 0.0) / n;
  double product = 0, squares_a = 0, squares_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    product += (a[i] - mean_a) * (b[i] - mean_b);
    squares_a += (a[i] - mean_a) * (a[i] - mean_a);
    squares_b += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return squares_a == 0 || squares_b == 0 ? 0 : product / std::sqrt(squares_a * squares_b);
}

double spearman(const std::vector<double>& a, const std::vector<double>& b) {
  return pearson(mean_ranks(a), mean_ranks(b));
}

double mcnemar_p(const std::vector<bool>& baseline_right, const std::vector<bool>& right) {
  check_sizes(baseline_right.size(), right.size());
  int64_t lost = 0, won = 0;
  for (size_t i = 0; i < right.size(); ++i) {
    lost += baseline_right[i] && !right[i];
    won += !baseline_right[i] && right[i];
  }
  const int64_t n = lost + won;
  if (n == 0) return 1;
  if (n < kExactMcNemarBelow) {
    // Both tails of Binomial(n, 1/2).
    double term = std::pow(0.5, static_cast<double>(n)), tail = 0;
    for (int64_t k = 0; k <= std::min(lost, won); ++k) {
      tail += term;
      term *= static_cast<double>(n - k) / static_cast<double>(k + 1);
    }
    return std::min(1.0, 2 * tail);
  }
  const double distance = std::max(0.0, std::abs(static_cast<double>(lost - won)) - 1);
  // Upper tail of chi-square with one degree of freedom.
  return std::erfc(distance / std::sqrt(2 * static_cast<double>(n)));
}

Quality classification_quality(const Tensor& logits, const std::vector<int32_t>& labels, uint64_t seed) {
  check_logits(logits);
  check_sizes(static_cast<size_t>(logits.size(0)), labels.size());
  if (labels.empty()) {
    throw Error(ErrorKind::InvalidInput, "there are no examples to measure quality on");
  }
  const auto classes = static_cast<int32_t>(logits.size(1));
  Quality quality;
  quality.examples = logits.size(0);
  int64_t hits = 0;
  for (int64_t i = 0; i < quality.examples; ++i) {
    quality.predictions.push_back(argmax(row_of(logits, i)));
    quality.right.push_back(quality.predictions.back() == labels[static_cast<size_t>(i)]);
    hits += quality.right.back();
  }
  quality.accuracy = proportion(hits, quality.examples);

  const Confusion counts = count_confusion(labels, quality.predictions, classes);
  const auto width = static_cast<size_t>(classes);
  const bool macro = classes != 2;
  quality.f1.value = f1_of(counts, width, macro, 1);
  quality.mcc.value = matthews_of(counts, width);
  // A resample of examples is a multinomial draw of confusion cells, so only the cells are redrawn.
  Rng rng(seed);
  std::vector<uint32_t> cells;
  for (size_t i = 0; i < labels.size(); ++i) {
    cells.push_back(static_cast<uint32_t>(labels[i] * classes + quality.predictions[i]));
  }
  std::vector<double> f1s, mccs;
  Confusion resample(counts.size());
  for (int round = 0; round < kBootstrapResamples; ++round) {
    std::fill(resample.begin(), resample.end(), 0);
    for (size_t i = 0; i < cells.size(); ++i) ++resample[cells[rng.below(cells.size())]];
    f1s.push_back(f1_of(resample, width, macro, 1));
    mccs.push_back(matthews_of(resample, width));
  }
  std::tie(quality.f1.low, quality.f1.high) = middle_95(std::move(f1s));
  std::tie(quality.mcc.low, quality.mcc.high) = middle_95(std::move(mccs));
  return quality;
}

Json to_json(const Quality& quality) {
  Json json = {{"examples", quality.examples}};
  add_interval(json, "accuracy", quality.accuracy);
  add_interval(json, "f1", quality.f1);
  add_interval(json, "mcc", quality.mcc);
  return json;
}

double label_loyalty(const Tensor& teacher_logits, const Tensor& student_logits) {
  check_same_shape(teacher_logits, student_logits);
  const int64_t n = teacher_logits.size(0);
  int64_t same = 0;
  for (int64_t i = 0; i < n; ++i) same += argmax(row_of(teacher_logits, i)) == argmax(row_of(student_logits, i));
  return n == 0 ? 1 : static_cast<double>(same) / static_cast<double>(n);
}

double probability_loyalty(const Tensor& teacher_logits, const Tensor& student_logits) {
  check_same_shape(teacher_logits, student_logits);
  const int64_t n = teacher_logits.size(0);
  double total = 0;
  for (int64_t i = 0; i < n; ++i) {
    total += probability_agreement(softmax(row_of(teacher_logits, i)), softmax(row_of(student_logits, i)));
  }
  return n == 0 ? 1 : total / static_cast<double>(n);
}

double probability_agreement(const std::vector<double>& p, const std::vector<double>& q) {
  check_sizes(p.size(), q.size());
  double divergence = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    const double middle = (p[i] + q[i]) / 2;
    divergence += (kl_term(p[i], middle) + kl_term(q[i], middle)) / 2;
  }
  // Rounding may leave a hair below zero for equal rows.
  return 1 - std::sqrt(std::max(0.0, divergence));
}

}  // namespace espalier
