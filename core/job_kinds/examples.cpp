#include <algorithm>

#include "job_kinds/inputs.h"
#include "job_kinds/kinds.h"

namespace espalier {

Json examples_job(const JobSpec& spec, JobContext& context) {
  const auto task_name = json_get<std::string>(spec.settings, "task", kSettingsOf);
  const auto model_name = json_get_or(spec.settings, "model", std::string(), kSettingsOf);
  const Task task = model_name.empty() ? open_task(task_name) : open_job_task(task_name, open_job_model(model_name));
  const std::string split = evaluation_split(task, json_get_or(spec.settings, "split", std::string(), kSettingsOf));
  const auto offset = std::max<int64_t>(0, json_get_or(spec.settings, "offset", int64_t{0}, kSettingsOf));
  const auto count = std::max<int64_t>(0, json_get_or(spec.settings, "count", int64_t{100}, kSettingsOf));
  const Dataset dataset = task.load(split, context.cancel);
  const auto total = static_cast<int64_t>(dataset.examples.size());
  Json examples = Json::array();
  for (int64_t i = offset; i < total && i - offset < count; ++i) {
    const Example& example = dataset.examples[static_cast<size_t>(i)];
    Json evidence = Json::array();
    for (const auto& [begin, end] : example.evidence) evidence.push_back({begin, end});
    Json json = {{"text", example.text}, {"label", example.label}, {"evidence", evidence}};
    if (example.has_pair) json["pair"] = example.pair;
    if (task.kind == TaskKind::Regression) json["score"] = example.score;
    examples.push_back(json);
  }
  return {{"examples", examples},
          {"total", total},
          {"labels", task.labels},
          {"split", split},
          {"splits", task.splits},
          {"skipped", {{"count", dataset.skipped.count}, {"first_reasons", dataset.skipped.first_reasons}}}};
}

}  // namespace espalier
