// Classification and regression.

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "job_kinds/inputs.h"
#include "job_kinds/quality/measure.h"
#include "measure/benchmarks/glue.h"
#include "measure/benchmarks/superglue.h"
#include "measure/correlation.h"
#include "measure/evaluate.h"
#include "measure/logits.h"
#include "measure/loyalty.h"
#include "measure/quality.h"
#include "measure/significance.h"

namespace espalier {
namespace {

// Labels that stand for "none of the intents" in the data sets that have one.
constexpr std::string_view kOutOfScopeNames[] = {"oos", "out_of_scope", "out-of-scope"};

const Tensor& logits_in(const Outputs& outputs) { return std::get<Tensor>(outputs); }

// What both kinds share: encoded examples and the logits of each.
class TextQuality : public QualityMeasure {
 public:
  TextQuality(const Task& task, LoadedSplit split, bool labelled, std::vector<std::string> names)
      : task_(task), loaded_(std::move(split)), labelled_(labelled), names_(std::move(names)) {
    split_ = loaded_.name;
    warnings_ = loaded_.warnings;
    if (!labelled_) {
      warnings_.emplace_back("The split has no labels: predictions are written, no quality is measured.");
    }
  }

  Outputs run(const Runner& runner, JobContext& context) const override {
    return predict(runner, loaded_.encoded, context);
  }

  void write_predictions(const std::filesystem::path& file, const Outputs& outputs) const override {
    const Tensor& logits = logits_in(outputs);
    std::vector<std::string> answers;
    for (int64_t i = 0; i < logits.size(0); ++i) answers.push_back(answer_of(logits_row(logits, i)));
    require_ending(file, {".tsv", ".jsonl"}, ".tsv (GLUE) or .jsonl (SuperGLUE)");
    if (file.extension() == ".tsv") return write_glue_predictions(file, answers);
    std::vector<std::pair<Json, Json>> lines;
    for (size_t i = 0; i < answers.size(); ++i) lines.emplace_back(i, answers[i]);
    write_superglue_predictions(file, lines);
  }

  bool labelled() const override { return labelled_; }
  const EncodedDataset* encoded() const override { return &loaded_.encoded; }

 protected:
  virtual std::string answer_of(std::span<const float> row) const = 0;

  const Task task_;
  const LoadedSplit loaded_;
  const bool labelled_;
  const std::vector<std::string> names_;  // of labels, as the data spell them
};

class ClassificationQuality : public TextQuality {
 public:
  using TextQuality::TextQuality;

  void add_quality(Json& row, const Outputs& outputs) const override {
    row["split"] = split_;
    row["metric"] = "accuracy";
    const std::vector<int32_t> labels = loaded_.labels();
    const Quality quality = classification_quality(logits_in(outputs), labels);
    row.update(to_json(quality));
    const auto outside = std::ranges::find_first_of(task_.labels, kOutOfScopeNames);
    if (outside == task_.labels.end()) return;
    const auto found =
        out_of_scope_quality(labels, quality.predictions, static_cast<int32_t>(outside - task_.labels.begin()));
    add_interval(row, "in_scope_accuracy", found.in_scope_accuracy);
    add_interval(row, "out_of_scope_recall", found.out_of_scope_recall);
  }

  void add_comparison(Json& row, const Outputs& outputs, const Outputs& reference,
                      const Measures& wanted) const override {
    const Tensor& logits = logits_in(outputs);
    const Tensor& reference_logits = logits_in(reference);
    if (wanted.quality) {
      const std::vector<int32_t> labels = loaded_.labels();
      const Answers before = answers_of(reference_logits, labels), after = answers_of(logits, labels);
      const auto classes = static_cast<int32_t>(logits.size(1));
      row["mcnemar_p"] = mcnemar_p(before.right, after.right);
      row["f1_p"] = paired_bootstrap(labels.size(), f1_statistic(labels, before.labels, classes),
                                     f1_statistic(labels, after.labels, classes))
                        .p;
      row["mcc_p"] = paired_bootstrap(labels.size(), matthews_statistic(labels, before.labels, classes),
                                      matthews_statistic(labels, after.labels, classes))
                         .p;
    }
    if (wanted.loyalty) {
      row["label_loyalty"] = label_loyalty(reference_logits, logits);
      row["probability_loyalty"] = probability_loyalty(reference_logits, logits);
      add_interval(row, "fidelity_kl", fidelity(reference_logits, logits).kl);
    }
  }

  bool lacks_quality(const Json& row, const Measures& wanted) const override {
    return wanted.quality && !(row.contains("calibration_error") && row.contains("metric"));
  }
  bool lacks_comparison(const Json& row, const Measures& wanted) const override {
    return (wanted.quality && !row.contains("mcc_p")) || (wanted.loyalty && !row.contains("fidelity_kl"));
  }

 protected:
  std::string answer_of(std::span<const float> row) const override {
    const auto label = static_cast<size_t>(argmax(row));
    return label < names_.size() ? names_[label] : std::to_string(label);
  }

 private:
  struct Answers {
    std::vector<int32_t> labels;
    std::vector<bool> right;
  };

  static Answers answers_of(const Tensor& logits, const std::vector<int32_t>& gold) {
    Answers answers;
    for (int64_t i = 0; i < logits.size(0); ++i) {
      answers.labels.push_back(argmax(logits_row(logits, i)));
      answers.right.push_back(answers.labels.back() == gold.at(static_cast<size_t>(i)));
    }
    return answers;
  }
};

class RegressionQuality : public TextQuality {
 public:
  using TextQuality::TextQuality;

  void add_quality(Json& row, const Outputs& outputs) const override {
    row["split"] = split_;
    row["metric"] = "pearson";
    row["examples"] = loaded_.encoded.examples.size();
    const std::vector<double> predictions = values_of(outputs), scores = loaded_.scores();
    add_interval(row, "pearson", bootstrap(scores.size(), correlation_of(pearson, predictions, scores)));
    add_interval(row, "spearman", bootstrap(scores.size(), correlation_of(spearman, predictions, scores)));
  }

  void add_comparison(Json& row, const Outputs& outputs, const Outputs& reference,
                      const Measures& wanted) const override {
    if (!wanted.quality) return;
    const std::vector<double> before = values_of(reference), after = values_of(outputs), scores = loaded_.scores();
    row["pearson_p"] =
        paired_bootstrap(scores.size(), correlation_of(pearson, before, scores), correlation_of(pearson, after, scores))
            .p;
    row["spearman_p"] = paired_bootstrap(scores.size(), correlation_of(spearman, before, scores),
                                         correlation_of(spearman, after, scores))
                            .p;
  }

  bool lacks_quality(const Json& row, const Measures& wanted) const override {
    return wanted.quality && !(row.contains("pearson_low") && row.contains("metric"));
  }
  bool lacks_comparison(const Json& row, const Measures& wanted) const override {
    return wanted.quality && !row.contains("pearson_p");
  }

 protected:
  std::string answer_of(std::span<const float> row) const override { return fmt::format("{:.3f}", row[0]); }

 private:
  static std::vector<double> values_of(const Outputs& outputs) {
    const auto values = logits_in(outputs).values<float>();
    return {values.begin(), values.end()};
  }
};

}  // namespace

std::unique_ptr<QualityMeasure> open_text_quality(const Task& task, const Model& model, const QualitySettings& settings,
                                                  JobContext& context) {
  LoadedSplit split =
      load_job_split(task, settings.split, model, settings.lengths.max_length, settings.max_examples, context);
  const bool classifies = task.kind == TaskKind::Classification;
  const bool unlabelled = classifies && std::ranges::all_of(split.encoded.examples, [](const EncodedExample& example) {
                            return example.label < 0;
                          });
  const bool labelled = !(settings.may_be_unlabelled && unlabelled);
  if (labelled) require_labels(split, task, model);
  if (classifies) {
    return std::make_unique<ClassificationQuality>(task, std::move(split), labelled, settings.names);
  }
  return std::make_unique<RegressionQuality>(task, std::move(split), labelled, settings.names);
}

}  // namespace espalier
