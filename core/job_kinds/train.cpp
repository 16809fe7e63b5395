#include <map>
#include <optional>

#include "base/error.h"
#include "job_kinds/from_scratch.h"
#include "job_kinds/inputs.h"
#include "job_kinds/kinds.h"
#include "job_kinds/quality/measure.h"
#include "job_kinds/training_data.h"
#include "train/fine_tune.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

TrainOptions options_from(const Json& json) {
  TrainOptions options;
  const std::map<std::string, std::function<void(const Json&)>> members = {
      {"epochs", [&](const Json& value) { options.epochs = value; }},
      {"max_steps", [&](const Json& value) { options.max_steps = value; }},
      {"batch_size", [&](const Json& value) { options.batch_size = value; }},
      {"learning_rate", [&](const Json& value) { options.learning_rate = value; }},
      {"warmup_frac", [&](const Json& value) { options.warmup_frac = value; }},
      {"warmup_steps", [&](const Json& value) { options.warmup_steps = value; }},
      {"schedule", [&](const Json& value) { options.schedule = schedule_from(value.get<std::string>()); }},
      {"label_smoothing", [&](const Json& value) { options.label_smoothing = value; }},
      {"weight_decay", [&](const Json& value) { options.weight_decay = value; }},
      {"decay_all", [&](const Json& value) { options.decay_all = value; }},
      {"adam_beta1", [&](const Json& value) { options.adam_beta1 = value; }},
      {"adam_beta2", [&](const Json& value) { options.adam_beta2 = value; }},
      {"adam_epsilon", [&](const Json& value) { options.adam_epsilon = value; }},
      {"clip_norm", [&](const Json& value) { options.clip_norm = value; }},
      {"dropout", [&](const Json& value) { options.dropout = value; }},
      {"evaluations_per_epoch", [&](const Json& value) { options.evaluations_per_epoch = value; }},
      {"patience", [&](const Json& value) { options.patience = value; }},
      {"keep_best", [&](const Json& value) { options.keep_best = value; }},
      {"checkpoint_seconds", [&](const Json& value) { options.checkpoint_seconds = value; }},
      {"distill_alpha", [&](const Json& value) { options.distill_alpha = value; }},
      {"distill_temperature", [&](const Json& value) { options.distill_temperature = value; }}};
  std::string known;
  for (const auto& [name, set] : members) known += (known.empty() ? "" : ", ") + name;
  for (const auto& [name, value] : json.items()) {
    const auto found = members.find(name);
    if (found == members.end()) {
      throw Error(ErrorKind::InvalidInput,
                  {.what = "unknown training option", .where = "options", .got = name, .wanted = known, .next = {}});
    }
    try {
      found->second(value);
    } catch (const Json::exception&) {
      throw Error(ErrorKind::InvalidInput, {.what = "a training option has the wrong type",
                                            .where = name,
                                            .got = value.dump(),
                                            .wanted = name == "keep_best" || name == "decay_all" ? "true or false"
                                                      : name == "schedule"                       ? "text"
                                                                                                 : "a number",
                                            .next = {}});
    }
  }
  return options;
}

// Whose data the model has learnt from, and exactly which: what is not known is left out.
Json provenance_of(const Task& task, const std::vector<std::string>& splits) {
  Json data = {{"identity", data_identity(task, splits)}};
  const auto add = [&](const char* member, const std::string& value) {
    if (!value.empty()) data[member] = value;
  };
  add("licence", task.provenance.licence);
  add("source", task.provenance.source);
  add("checksum", task.provenance.checksum);
  return data;
}

// Sentences are written one by one, so a look at the first ones has to do; `eval` measures all.
constexpr int64_t kTranslationsLookedAt = 200;

Json dev_quality(const Task& task, const Model& model, const TrainingDataSettings& data, const Json& settings,
                 JobContext& context) {
  QualitySettings wanted;
  wanted.split = data.dev_split;
  wanted.lengths = job_lengths(settings, model, true);
  wanted.greedy = true;
  if (task.kind == TaskKind::Translation) wanted.max_examples = kTranslationsLookedAt;
  const auto measure = open_quality(task, model, wanted, context);
  Json quality = Json::object();
  measure->add_quality(quality, measure->run(*make_runner(model), context));
  return quality;
}

}  // namespace

Json train_job(const JobSpec& spec, JobContext& context) {
  const Json& settings = spec.settings;
  if (spec.output_folder.empty()) {
    throw Error(ErrorKind::InvalidInput, "training needs a folder for the model that it makes");
  }
  TrainOptions options = options_from(json_get_or(settings, "options", Json::object(), kSettingsOf));
  options.seed = spec.seed;
  options.device = json_get_or(settings, "device", options.device, kSettingsOf);
  // A killed training continues from here when it is started again.
  options.checkpoint_folder = fs::path(spec.output_folder).concat(".checkpoint");

  context.progress.set_stage("opening model and task");
  const bool scratch = settings.contains("architecture");
  TrainingDataSettings wanted;
  wanted.train_split = json_get_or(settings, "train_split", std::string("train"), kSettingsOf);
  Model start =
      scratch ? model_from_scratch(settings, open_job_task(settings, Model()), wanted.train_split, spec.seed, context)
              : open_job_model(json_get<std::string>(settings, "model", kSettingsOf));
  const Task task = open_job_task(settings, start);
  wanted.lengths = job_lengths(settings, start, false);
  wanted.dev_split = evaluation_split(task, json_get_or(settings, "dev_split", std::string(), kSettingsOf));
  wanted.masked_frac = json_get_or(settings, "masked_frac", wanted.masked_frac, kSettingsOf);
  start = ready_for_training(start, task, wanted.lengths, spec.seed);
  std::optional<Model> teacher;
  if (const auto path = json_get_or(settings, "teacher", std::string(), kSettingsOf); !path.empty()) {
    teacher = open_job_model(path);
    require_same_tokens(*teacher, start);
    options.teacher = &*teacher;
  }
  wanted.labels_needed = !teacher || options.distill_alpha < 1;
  context.progress.set_stage("reading the data");
  const TrainingData data = open_training_data(task, start, wanted, context);
  for (const std::string& warning : data.warnings) context.log(warning);

  JobContext training = context.slice(0, 0.95);
  TrainResult result = fine_tune(start, *data.objective, options, training);
  if (scratch) (*result.model.provenance)["name"] = spec.output_folder.filename().string();
  (*result.model.provenance)["training"] = {{"task", task.name},
                                            {"data", provenance_of(task, {wanted.train_split, wanted.dev_split})},
                                            {"train_split", wanted.train_split},
                                            {"seed", spec.seed},
                                            {"max_length", wanted.lengths.max_length},
                                            {"options", json_get_or(settings, "options", Json::object(), kSettingsOf)}};
  if (task.kind == TaskKind::LanguageModelling) {
    (*result.model.provenance)["training"]["block_length"] = wanted.lengths.block_length;
  }
  save_bundle(result.model, spec.output_folder, context.cancel);
  std::error_code ignored;
  fs::remove_all(options.checkpoint_folder, ignored);

  context.progress.set_stage("evaluating");
  JobContext evaluating = context.slice(0.95, 1);
  return {{"bundle", spec.output_folder.string()},
          {"train", to_json(result.report)},
          {"quality", dev_quality(task, result.model, wanted, settings, evaluating)}};
}

}  // namespace espalier
