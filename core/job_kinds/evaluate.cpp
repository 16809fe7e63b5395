#include "measure/evaluate.h"

#include <memory>

#include "job_kinds/inputs.h"
#include "job_kinds/kinds.h"
#include "job_kinds/row.h"

namespace espalier {

Json evaluate_job(const JobSpec& spec, JobContext& context) {
  const Json& settings = spec.settings;
  const auto path = json_get<std::string>(settings, "model", kSettingsOf);
  const auto baseline_path = json_get_or(settings, "baseline", std::string(), kSettingsOf);
  const bool with_latency = json_get_or(settings, "latency", true, kSettingsOf);
  const auto max_examples = json_get_or(settings, "max_examples", int64_t{0}, kSettingsOf);

  context.progress.set_stage("opening model and task");
  const Model model = open_job_model(path);
  const Task task = open_job_task(json_get<std::string>(settings, "task", kSettingsOf), model);
  require_task_head(model, task);
  const std::string split_name = evaluation_split(task, json_get_or(settings, "split", std::string(), kSettingsOf));
  const LoadedSplit split =
      load_job_split(task, split_name, model, job_max_length(settings, model), max_examples, context);
  require_labels(split, task, model);

  Json row = {{"step", 0}, {"method", ""}, {"bundle", path}, {"warnings", split.warnings}, {"notes", Json::array()}};
  const Measures wanted;
  add_costs(row, model, is_bundle(path) ? bundle_bytes(path) : predicted_bundle_bytes(model), wanted);
  context.progress.set_stage("evaluating");
  JobContext part = context.slice(0.05, baseline_path.empty() ? 0.95 : 0.5);
  const Tensor logits = predict(Engine(model), split.encoded, part);
  add_quality(row, logits, task, split);

  std::unique_ptr<Reference> reference;
  if (!baseline_path.empty()) {
    context.progress.set_stage("evaluating the baseline");
    reference = std::make_unique<Reference>();
    reference->model = open_job_model(baseline_path);
    JobContext baseline_part = context.slice(0.5, 0.95);
    reference->logits = predict(Engine(reference->model), split.encoded, baseline_part);
    add_comparison(row, logits, reference->logits, task, split, wanted);
    if (with_latency) {
      EngineOptions options;
      options.threads = row_latency_options(reference->model).threads;
      reference->engine = std::make_unique<Engine>(reference->model, options);
    }
  }
  if (with_latency) {
    context.progress.set_stage("timing");
    add_latency(row, model, reference.get(), context.cancel);
  }
  context.progress.report(1);
  return row;
}

}  // namespace espalier
