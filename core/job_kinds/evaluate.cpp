#include "measure/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "base/error.h"
#include "job_kinds/inputs.h"
#include "job_kinds/kinds.h"
#include "job_kinds/row.h"
#include "measure/benchmarks/glue.h"
#include "measure/benchmarks/superglue.h"
#include "measure/logits.h"
#include "measure/shifted.h"

namespace espalier {
namespace {

std::vector<bool> right_of(const Tensor& logits, const std::vector<int32_t>& labels) {
  std::vector<bool> right;
  for (int64_t i = 0; i < logits.size(0); ++i) {
    right.push_back(argmax(logits_row(logits, i)) == labels.at(static_cast<size_t>(i)));
  }
  return right;
}

bool is_unlabelled(const LoadedSplit& split, const Task& task) {
  return task.kind == TaskKind::Classification &&
         std::ranges::all_of(split.encoded.examples, [](const EncodedExample& one) { return one.label < 0; });
}

// Labels by the model's index, spelled as in the data: a task opened for a model may carry the model's names.
std::vector<std::string> labels_of_data(const std::string& task_path, const Task& task) {
  const Task plain = open_task(task_path);
  return std::ranges::is_permutation(plain.labels, task.labels) ? task.labels : plain.labels;
}

// Answers in the form of a benchmark's submission, by the file's ending.
void write_predictions(const std::filesystem::path& file, const Tensor& logits, const Task& task,
                       std::vector<std::string> names) {
  for (int64_t i = static_cast<int64_t>(names.size()); i < logits.size(1); ++i) names.push_back(std::to_string(i));
  std::vector<std::string> answers;
  for (int64_t i = 0; i < logits.size(0); ++i) {
    const auto row = logits_row(logits, i);
    answers.push_back(task.kind == TaskKind::Regression ? fmt::format("{:.3f}", row[0])
                                                        : names.at(static_cast<size_t>(argmax(row))));
  }
  if (file.extension() == ".tsv") {
    write_glue_predictions(file, answers);
  } else if (file.extension() == ".jsonl") {
    std::vector<std::pair<Json, Json>> lines;
    for (size_t i = 0; i < answers.size(); ++i) lines.emplace_back(i, answers[i]);
    write_superglue_predictions(file, lines);
  } else {
    throw Error(ErrorKind::InvalidInput, {.what = "predictions are written in two forms, told apart by the file's name",
                                          .where = file.string(),
                                          .got = file.extension().string(),
                                          .wanted = ".tsv (GLUE) or .jsonl (SuperGLUE)",
                                          .next = {}});
  }
}

// The second set, out of distribution.
struct ShiftedSet {
  Task task;
  LoadedSplit split;
};

std::optional<ShiftedSet> open_shifted(const Json& settings, const Model& model, JobContext& context) {
  const auto name = json_get_or(settings, "shifted_task", std::string(), kSettingsOf);
  const auto split = json_get_or(settings, "shifted_split", std::string(), kSettingsOf);
  if (name.empty() && split.empty()) return std::nullopt;
  ShiftedSet shifted;
  shifted.task = open_job_task(name.empty() ? json_get<std::string>(settings, "task", kSettingsOf) : name, model);
  if (shifted.task.kind != TaskKind::Classification) {
    throw Error(ErrorKind::InvalidInput, {.what = "an out-of-distribution drop is one of accuracy",
                                          .where = shifted.task.name,
                                          .got = "a task of " + std::string(to_string(shifted.task.kind)),
                                          .wanted = "a classification task",
                                          .next = {}});
  }
  require_task_head(model, shifted.task);
  shifted.split = load_job_split(shifted.task, evaluation_split(shifted.task, split), model,
                                 job_max_length(settings, model), 0, context);
  require_labels(shifted.split, shifted.task, model);
  return shifted;
}

class Evaluation {
 public:
  Evaluation(const JobSpec& spec, JobContext& context) : settings_(spec.settings), context_(context) {}

  Json run() {
    const auto path = json_get<std::string>(settings_, "model", kSettingsOf);
    const auto baseline_path = json_get_or(settings_, "baseline", std::string(), kSettingsOf);
    const auto predictions = json_get_or(settings_, "predictions", std::string(), kSettingsOf);
    const EnergyConditions energy = energy_conditions(settings_);
    const bool with_latency = json_get_or(settings_, "latency", true, kSettingsOf);

    context_.progress.set_stage("opening model and task");
    const Model model = open_job_model(path);
    open_data(model, !predictions.empty());
    row_ = {{"step", 0},
            {"method", ""},
            {"bundle", path},
            {"warnings", split_.warnings},
            {"notes", runtime_notes(model.architecture)}};
    const Measures wanted;
    add_costs(row_, model, is_bundle(path) ? bundle_bytes(path) : predicted_bundle_bytes(model), wanted);

    context_.progress.set_stage("evaluating");
    const Outputs outputs = run_model(model, 0.05, baseline_path.empty() ? 0.95 : 0.5);
    if (!predictions.empty()) {
      const auto task_path = json_get<std::string>(settings_, "task", kSettingsOf);
      write_predictions(predictions, outputs.logits, task_, labels_of_data(task_path, task_));
    }
    if (labelled_) add_quality(row_, outputs.logits, task_, split_);
    if (shifted_) add_shifted(outputs, nullptr);

    std::unique_ptr<Reference> reference;
    if (!baseline_path.empty()) {
      context_.progress.set_stage("evaluating the baseline");
      reference = std::make_unique<Reference>();
      reference->model = open_job_model(baseline_path);
      const Outputs before = run_model(reference->model, 0.5, 0.95);
      reference->logits = before.logits;
      if (labelled_) add_comparison(row_, outputs.logits, reference->logits, task_, split_, wanted);
      if (shifted_) add_shifted(outputs, &before);
      if (with_latency) {
        reference->runtime = std::make_unique<Runtime>(reference->model, row_latency_options(reference->model).threads);
      }
    }
    if (with_latency) {
      context_.progress.set_stage("timing");
      add_latency(row_, model, reference.get(), context_.cancel);
      add_energy(row_, model, energy, context_.cancel);
    }
    context_.progress.report(1);
    return row_;
  }

 private:
  // Logits on the split and on the shifted set.
  struct Outputs {
    Tensor logits, shifted;
  };

  void open_data(const Model& model, bool may_be_unlabelled) {
    task_ = open_job_task(json_get<std::string>(settings_, "task", kSettingsOf), model);
    require_task_head(model, task_);
    const auto split = evaluation_split(task_, json_get_or(settings_, "split", std::string(), kSettingsOf));
    split_ = load_job_split(task_, split, model, job_max_length(settings_, model),
                            json_get_or(settings_, "max_examples", int64_t{0}, kSettingsOf), context_);
    labelled_ = !(may_be_unlabelled && is_unlabelled(split_, task_));
    if (labelled_) {
      require_labels(split_, task_, model);
      shifted_ = open_shifted(settings_, model, context_);
    } else {
      split_.warnings.emplace_back("The split has no labels: predictions are written, no quality is measured.");
    }
  }

  Outputs run_model(const Model& model, double begin, double end) {
    Runtime runtime(model);
    const double middle = shifted_ ? (begin + end) / 2 : end;
    JobContext part = context_.slice(begin, middle);
    Outputs outputs;
    outputs.logits = runtime.predict(split_.encoded, part);
    if (shifted_) {
      JobContext rest = context_.slice(middle, end);
      outputs.shifted = runtime.predict(shifted_->split.encoded, rest);
    }
    return outputs;
  }

  ShiftedQuality shifted_quality_of(const Outputs& outputs) const {
    return shifted_quality(right_of(outputs.logits, split_.labels()),
                           right_of(outputs.shifted, shifted_->split.labels()));
  }

  void add_shifted(const Outputs& outputs, const Outputs* before) {
    const ShiftedQuality quality = shifted_quality_of(outputs);
    row_["shifted_split"] = shifted_->task.name + " " + shifted_->split.name;
    add_interval(row_, "shifted_accuracy", quality.shifted_accuracy);
    row_["accuracy_drop"] = quality.drop;
    if (before == nullptr) return;
    const double full = shifted_quality_of(*before).drop;
    row_["baseline_accuracy_drop"] = full;
    if (const auto gap = relative_gap(quality.drop, full)) row_["relative_gap"] = *gap;
  }

  const Json& settings_;
  JobContext& context_;
  Task task_;
  LoadedSplit split_;
  bool labelled_ = true;
  std::optional<ShiftedSet> shifted_;
  Json row_;
};

}  // namespace

Json evaluate_job(const JobSpec& spec, JobContext& context) { return Evaluation(spec, context).run(); }

}  // namespace espalier
