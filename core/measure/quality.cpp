#include "measure/quality.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "measure/calibration.h"
#include "measure/check_sizes.h"
#include "measure/logits.h"

namespace espalier {
namespace {

// counts[label * classes + prediction].
using Confusion = std::vector<int64_t>;

// The cell of every example.
std::vector<uint32_t> confusion_cells(const std::vector<int32_t>& labels, const std::vector<int32_t>& predictions,
                                      int32_t classes) {
  check_sizes(labels.size(), predictions.size());
  std::vector<uint32_t> cells;
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
    cells.push_back(static_cast<uint32_t>(labels[i] * classes + predictions[i]));
  }
  return cells;
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

double macro_f1_of(const Confusion& counts, size_t classes) {
  const Margins sums = margins(counts, classes);
  double total = 0;
  for (size_t c = 0; c < classes; ++c) total += f1_of(counts, sums, classes, c);
  return total / static_cast<double>(classes);
}

double task_f1_of(const Confusion& counts, size_t classes) {
  return classes == 2 ? f1_of(counts, margins(counts, classes), classes, 1) : macro_f1_of(counts, classes);
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

using ConfusionMeasure = double (*)(const Confusion& counts, size_t classes);

// A resample of examples is a draw of confusion cells, so only cells are counted.
Statistic confusion_statistic(ConfusionMeasure measure, const std::vector<int32_t>& labels,
                              const std::vector<int32_t>& predictions, int32_t num_labels) {
  const auto classes = static_cast<size_t>(num_labels);
  return [measure, classes, cells = confusion_cells(labels, predictions, num_labels),
          counts = Confusion(classes * classes)](std::span<const uint32_t> examples) mutable {
    std::fill(counts.begin(), counts.end(), 0);
    for (const uint32_t example : examples) ++counts[cells[example]];
    return measure(counts, classes);
  };
}

double measure_all(const Statistic& statistic, size_t n) { return statistic(all_examples(n)); }

}  // namespace

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
  return measure_all(confusion_statistic(macro_f1_of, labels, predictions, num_labels), labels.size());
}

double matthews(const std::vector<int32_t>& labels, const std::vector<int32_t>& predictions, int32_t num_labels) {
  return measure_all(matthews_statistic(labels, predictions, num_labels), labels.size());
}

Statistic f1_statistic(const std::vector<int32_t>& labels, const std::vector<int32_t>& predictions,
                       int32_t num_labels) {
  return confusion_statistic(task_f1_of, labels, predictions, num_labels);
}

Statistic matthews_statistic(const std::vector<int32_t>& labels, const std::vector<int32_t>& predictions,
                             int32_t num_labels) {
  return confusion_statistic(matthews_of, labels, predictions, num_labels);
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
    quality.predictions.push_back(argmax(logits_row(logits, i)));
    quality.right.push_back(quality.predictions.back() == labels[static_cast<size_t>(i)]);
    hits += quality.right.back();
  }
  quality.accuracy = proportion(hits, quality.examples);
  const size_t n = labels.size();
  quality.f1 = bootstrap(n, f1_statistic(labels, quality.predictions, classes), seed);
  quality.mcc = bootstrap(n, matthews_statistic(labels, quality.predictions, classes), seed);
  quality.calibration_error = bootstrap(n, calibration_statistic(logits, labels), seed);
  quality.nll = bootstrap_mean(negative_log_likelihoods(logits, labels), seed);
  return quality;
}

Json to_json(const Quality& quality) {
  Json json = {{"examples", quality.examples}};
  add_interval(json, "accuracy", quality.accuracy);
  add_interval(json, "f1", quality.f1);
  add_interval(json, "mcc", quality.mcc);
  add_interval(json, "calibration_error", quality.calibration_error);
  add_interval(json, "nll", quality.nll);
  return json;
}

OutOfScope out_of_scope_quality(const std::vector<int32_t>& labels, const std::vector<int32_t>& predictions,
                                int32_t out_of_scope) {
  check_sizes(labels.size(), predictions.size());
  int64_t intents = 0, right = 0, outside = 0, found = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    const bool hit = labels[i] == predictions[i];
    (labels[i] == out_of_scope ? outside : intents) += 1;
    (labels[i] == out_of_scope ? found : right) += hit;
  }
  return {proportion(right, intents), proportion(found, outside)};
}

}  // namespace espalier
