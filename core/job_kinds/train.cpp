#include <map>

#include "base/error.h"
#include "data/lab.h"
#include "job_kinds/inputs.h"
#include "job_kinds/kinds.h"
#include "job_kinds/resources.h"
#include "job_kinds/row.h"
#include "measure/evaluate.h"
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
      throw Error(ErrorKind::InvalidInput,
                  {.what = "a training option has the wrong type",
                   .where = name,
                   .got = value.dump(),
                   .wanted = name == "keep_best" || name == "decay_all" ? "true or false" : "a number",
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

// A fresh model of the asked shape with the tokenizer's vocabulary.
Model from_scratch(const Json& settings, const Task& task, uint64_t seed) {
  Json description = json_get<Json>(settings, "architecture", kSettingsOf);
  const auto tokenizer = json_get<std::string>(settings, "tokenizer", kSettingsOf);
  std::vector<TokenizerFile> files;
  if (tokenizer == "lab") {
    files = lab_tokenizer_files();
  } else {
    files = open_job_model(tokenizer).tokenizer_files;
  }
  Architecture architecture = architecture_from_json(description, "architecture");
  const int64_t vocab = load_tokenizer(files, "tokenizer")->vocab_size();
  if (architecture.embedding.vocab_size < vocab) {
    throw Error(ErrorKind::InvalidInput, {.what = "the vocabulary is larger than the architecture's embedding",
                                          .where = "architecture, vocab_size",
                                          .got = std::to_string(architecture.embedding.vocab_size),
                                          .wanted = "at least " + std::to_string(vocab),
                                          .next = {}});
  }
  Model model = fresh_model(architecture, seed);
  model.tokenizer_files = std::move(files);
  return with_task_head(model, task, seed);
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
  const auto task_name = json_get<std::string>(settings, "task", kSettingsOf);
  require_labelled_texts(open_task(task_name));
  const bool scratch = settings.contains("architecture");
  Model start = scratch ? from_scratch(settings, open_task(task_name), spec.seed)
                        : open_job_model(json_get<std::string>(settings, "model", kSettingsOf));
  const Task task = open_job_task(task_name, start);
  start = with_task_head(start, task, spec.seed);
  const int64_t max_length = job_max_length(settings, start);
  const auto train_name = json_get_or(settings, "train_split", std::string("train"), kSettingsOf);
  const std::string dev_name = evaluation_split(task, json_get_or(settings, "dev_split", std::string(), kSettingsOf));
  context.progress.set_stage("reading the data");
  const LoadedSplit train = load_job_split(task, train_name, start, max_length, 0, context);
  const LoadedSplit dev = load_job_split(task, dev_name, start, max_length, 0, context);
  require_labels(train, task, start);
  require_labels(dev, task, start);
  for (const LoadedSplit* split : {&train, &dev}) {
    for (const std::string& warning : split->warnings) context.log(warning);
  }

  JobContext training = context.slice(0, 0.95);
  TrainResult result = fine_tune(start, train.encoded, dev.encoded, options, training);
  if (scratch) result.model.provenance["name"] = spec.output_folder.filename().string();
  result.model.provenance["training"] = {
      {"task", task.name},         {"data", provenance_of(task, {train_name, dev_name})},
      {"train_split", train_name}, {"seed", spec.seed},
      {"max_length", max_length},  {"options", json_get_or(settings, "options", Json::object(), kSettingsOf)}};
  save_bundle(result.model, spec.output_folder, context.cancel);
  std::error_code ignored;
  fs::remove_all(options.checkpoint_folder, ignored);

  context.progress.set_stage("evaluating");
  JobContext evaluating = context.slice(0.95, 1);
  Json quality = Json::object();
  add_quality(quality, Runtime(result.model).predict(dev.encoded, evaluating), task, dev);
  return {{"bundle", spec.output_folder.string()}, {"train", to_json(result.report)}, {"quality", quality}};
}

}  // namespace espalier
