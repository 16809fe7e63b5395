#include "job_kinds/importance.h"

#include "base/error.h"
#include "job_kinds/inputs.h"
#include "job_kinds/kinds.h"
#include "job_kinds/quality/measure.h"
#include "measure/evaluate.h"
#include "measure/quality.h"

namespace espalier {
namespace {

using Measure = Importance (*)(const Model&, const EncodedDataset&, const ImportanceOptions&, JobContext&);

Json importance(const JobSpec& spec, JobContext& context, const char* member, Measure measure) {
  const Json& settings = spec.settings;
  ImportanceOptions options;
  options.max_examples = json_get_or(settings, "max_examples", options.max_examples, kSettingsOf);
  options.device = json_get_or(settings, "device", options.device, kSettingsOf);
  options.average = importance_average(settings);

  context.progress.set_stage("opening model and task");
  const Model model = open_job_model(json_get<std::string>(settings, "model", kSettingsOf));
  const Task task = open_job_task(json_get<std::string>(settings, "task", kSettingsOf), model);
  require_labelled_texts(task);
  require_task_head(model, task);
  const std::string split_name = evaluation_split(task, json_get_or(settings, "split", std::string(), kSettingsOf));
  const LoadedSplit split =
      load_job_split(task, split_name, model, job_max_length(settings, model), options.max_examples, context);
  require_labels(split, task, model);

  context.progress.set_stage("importance");
  JobContext measuring = context.slice(0, 0.9);
  const Importance found = measure(model, split.encoded, options, measuring);
  Json kept = Json::array();
  for (const LayerSpec& layer : model.architecture.layers) {
    Json heads = Json::array();
    for (const HeadIndex head : layer.attention.heads) heads.push_back(head.value);
    kept.push_back(heads);
  }
  Json answer = {{member, found.scores},
                 {"kept", kept},
                 {"examples", found.examples},
                 {"seconds", found.seconds},
                 {"split", split.name}};
  if (task.kind == TaskKind::Classification) {
    JobContext predicting = context.slice(0.9, 1);
    const Tensor logits = predict(*make_runner(model), split.encoded, predicting);
    answer["accuracy"] = classification_quality(logits, split.labels()).accuracy.value;
  }
  return answer;
}

}  // namespace

ImportanceAverage importance_average(const Json& settings) {
  const auto average = json_get_or(settings, "average", std::string("example"), kSettingsOf);
  if (average != "example" && average != "token") {
    throw Error(ErrorKind::InvalidInput, {.what = "unknown way to average importance",
                                          .where = "average",
                                          .got = average,
                                          .wanted = "example or token",
                                          .next = {}});
  }
  return average == "token" ? ImportanceAverage::PerToken : ImportanceAverage::PerExample;
}

Json head_importance_job(const JobSpec& spec, JobContext& context) {
  return importance(spec, context, "heads", head_importance);
}

Json unit_importance_job(const JobSpec& spec, JobContext& context) {
  return importance(spec, context, "units", unit_importance);
}

}  // namespace espalier
