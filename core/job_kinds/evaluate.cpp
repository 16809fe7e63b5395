#include "measure/evaluate.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "base/error.h"
#include "job_kinds/inputs.h"
#include "job_kinds/kinds.h"
#include "job_kinds/quality/measure.h"
#include "job_kinds/row.h"
#include "measure/logits.h"
#include "measure/shifted.h"

namespace espalier {
namespace {

std::vector<bool> right_of(const Tensor& logits, const EncodedDataset& data) {
  std::vector<bool> right;
  for (int64_t i = 0; i < logits.size(0); ++i) {
    right.push_back(argmax(logits_row(logits, i)) == data.examples.at(static_cast<size_t>(i)).label);
  }
  return right;
}

// Labels by the model's index, spelled as in the data: a task opened for a model may carry the model's names.
std::vector<std::string> labels_of_data(const Json& settings, const Task& task) {
  const Task plain = open_job_task(settings, Model());
  return std::ranges::is_permutation(plain.labels, task.labels) ? task.labels : plain.labels;
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
  shifted.task = name.empty() ? open_job_task(settings, model) : open_job_task(name, model);
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
    libtorch_ = job_placement(settings_);
    if (libtorch_) require_usable(*libtorch_);

    context_.progress.set_stage("opening model and task");
    const Model model = open_job_model(path);
    open_data(model, !predictions.empty());
    row_ = {{"step", 0},
            {"method", ""},
            {"bundle", path},
            {"task_kind", to_string(task_.kind)},
            {"warnings", measure_->warnings()},
            {"notes", libtorch_ ? std::vector<std::string>{"Measured on " + describe(*libtorch_) + "."}
                                : runtime_notes(model.architecture)}};
    const Measures wanted;
    add_costs(row_, model, is_bundle(path) ? bundle_bytes(path) : predicted_bundle_bytes(model), wanted);

    context_.progress.set_stage("evaluating");
    const AllOutputs outputs = run_model(model, *measure_, 0.05, baseline_path.empty() ? 0.95 : 0.5);
    if (!predictions.empty()) measure_->write_predictions(predictions, outputs.own);
    if (measure_->labelled()) measure_->add_quality(row_, outputs.own);
    if (shifted_) add_shifted(outputs, nullptr);

    std::unique_ptr<Reference> reference;
    if (!baseline_path.empty()) reference = add_baseline(baseline_path, outputs, with_latency);
    if (with_latency) {
      context_.progress.set_stage("timing");
      add_latency(row_, model, reference.get(), libtorch_, context_.cancel);
      // What is known of power is the engine's on this processor.
      if (!libtorch_) add_energy(row_, model, energy, context_.cancel);
    }
    context_.progress.report(1);
    return row_;
  }

 private:
  // On the split, and logits on the shifted set.
  struct AllOutputs {
    Outputs own;
    Tensor shifted;
  };

  std::unique_ptr<QualityMeasure> open_measure(const Model& model, bool may_be_unlabelled) {
    QualitySettings wanted = quality_settings(settings_, model);
    wanted.may_be_unlabelled = may_be_unlabelled;
    if (may_be_unlabelled) wanted.names = labels_of_data(settings_, task_);
    return open_quality(task_, model, wanted, context_);
  }

  void open_data(const Model& model, bool may_be_unlabelled) {
    task_ = open_job_task(settings_, model);
    measure_ = open_measure(model, may_be_unlabelled);
    if (measure_->labelled()) shifted_ = open_shifted(settings_, model, context_);
  }

  AllOutputs run_model(const Model& model, const QualityMeasure& measure, double begin, double end) {
    const std::unique_ptr<Runner> runner = make_runner(model, libtorch_);
    const double middle = shifted_ ? (begin + end) / 2 : end;
    JobContext part = context_.slice(begin, middle);
    AllOutputs outputs;
    outputs.own = measure.run(*runner, part);
    if (shifted_) {
      JobContext rest = context_.slice(middle, end);
      outputs.shifted = predict(*runner, shifted_->split.encoded, rest);
    }
    return outputs;
  }

  // Tests against the baseline; gives what the latency is compared with.
  std::unique_ptr<Reference> add_baseline(const std::string& path, const AllOutputs& outputs, bool with_latency) {
    context_.progress.set_stage("evaluating the baseline");
    auto reference = std::make_unique<Reference>();
    reference->model = open_job_model(path);
    // Other kinds than texts with labels are encoded by each model's own tokenizer and compared by what they stand for.
    std::unique_ptr<QualityMeasure> own;
    if (measure_->encoded() == nullptr) own = open_measure(reference->model, true);
    const QualityMeasure& measure = own ? *own : *measure_;
    require_task_head(reference->model, task_);
    const AllOutputs before = run_model(reference->model, measure, 0.5, 0.95);
    if (measure_->labelled()) measure_->add_comparison(row_, outputs.own, before.own, Measures());
    if (shifted_) add_shifted(outputs, &before);
    if (with_latency) {
      reference->runtime =
          std::make_unique<Runtime>(reference->model, row_latency_options(reference->model).threads, libtorch_);
    }
    return reference;
  }

  ShiftedQuality shifted_quality_of(const AllOutputs& outputs) const {
    return shifted_quality(right_of(std::get<Tensor>(outputs.own), *measure_->encoded()),
                           right_of(outputs.shifted, shifted_->split.encoded));
  }

  void add_shifted(const AllOutputs& outputs, const AllOutputs* before) {
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
  std::optional<Placement> libtorch_;
  Task task_;
  std::unique_ptr<QualityMeasure> measure_;
  std::optional<ShiftedSet> shifted_;
  Json row_;
};

}  // namespace

Json evaluate_job(const JobSpec& spec, JobContext& context) { return Evaluation(spec, context).run(); }

}  // namespace espalier
