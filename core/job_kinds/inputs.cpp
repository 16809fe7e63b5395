#include "job_kinds/inputs.h"

#include <algorithm>

#include "base/error.h"
#include "data/splits.h"
#include "job_kinds/kinds.h"
#include "job_kinds/resources.h"
#include "workspace/workspace.h"

namespace espalier {
namespace {

bool all_among(const std::vector<std::string>& some, const std::vector<std::string>& all) {
  return std::ranges::all_of(some, [&](const std::string& one) { return std::ranges::find(all, one) != all.end(); });
}

bool is_whole_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

Model open_job_model(const std::string& name_or_path) {
  if (name_or_path.empty()) {
    throw Error(ErrorKind::InvalidInput, {.what = "no model is named",
                                          .where = {},
                                          .got = {},
                                          .wanted = "\"lab\", a bundle or a Hugging Face folder",
                                          .next = {}});
  }
  return open_model(name_or_path == "lab" ? resource_folder() / "lab" : std::filesystem::path(name_or_path));
}

Task open_job_task(const std::string& name_or_path, const Model& model, const TaskOptions& options) {
  Task task = open_task(name_or_path, options);
  const std::vector<std::string>& names = model.architecture.head.labels;
  if (names.empty() || task.labels.empty() || task.labels == names) return task;
  const bool numbered = std::ranges::all_of(task.labels, is_whole_number);
  // Names that the data does not use ("LABEL_0") say nothing about its labels.
  if (!numbered && !all_among(task.labels, names)) return task;
  TaskOptions in_order = options;
  in_order.labels = names;
  return open_task(name_or_path, in_order);
}

Task open_job_task(const Json& settings, const Model& model) {
  const Json options = json_get_or(settings, "task_options", Json::object(), kSettingsOf);
  return open_job_task(json_get<std::string>(settings, "task", kSettingsOf), model,
                       task_options_from_json(options, "task_options"));
}

std::optional<Placement> job_placement(const Json& settings) {
  const bool placed = settings.contains("device") || settings.contains("precision");
  const auto runtime = json_get_or(settings, "runtime", std::string(placed ? "libtorch" : "engine"), kSettingsOf);
  if (runtime == "engine" && !placed) return std::nullopt;
  if (runtime != "libtorch") {
    throw Error(ErrorKind::InvalidInput,
                {.what = placed ? "the engine has no device or precision to choose" : "there is no such runtime",
                 .where = "runtime",
                 .got = runtime,
                 .wanted = placed ? "libtorch" : "engine or libtorch",
                 .next = {}});
  }
  Placement placement;
  placement.device = json_get_or(settings, "device", placement.device, kSettingsOf);
  placement.precision = precision_named(json_get_or(settings, "precision", std::string("float32"), kSettingsOf));
  return placement;
}

int64_t job_max_length(const Json& settings, const Model& model) {
  const int64_t wanted = json_get_or(settings, "max_length", kDefaultMaxLength, kSettingsOf);
  if (wanted < 3) {
    throw Error(ErrorKind::InvalidInput, {.what = "max_length leaves no room for a word",
                                          .where = std::string(kSettingsOf),
                                          .got = std::to_string(wanted),
                                          .wanted = "at least 3",
                                          .next = {}});
  }
  return std::min(wanted, model.architecture.embedding.max_positions);
}

bool gives_labelled_texts(const Task& task) {
  return task.kind == TaskKind::Classification || task.kind == TaskKind::Regression;
}

void require_labelled_texts(const Task& task) {
  if (gives_labelled_texts(task)) return;
  throw Error(ErrorKind::Unsupported, {.what = "this works on texts with one label or number each",
                                       .where = task.name,
                                       .got = std::string(to_string(task.kind)),
                                       .wanted = "classification or regression",
                                       .next = "Training and measuring work: espalier train, espalier eval."});
}

namespace {

struct WantedHead {
  bool fits = false;
  std::string name;  // for a person
};

WantedHead wanted_head(const Architecture& a, const Task& task) {
  const HeadSpec& head = a.head;
  const auto labels = static_cast<int64_t>(task.labels.size());
  const std::string into = " into " + std::to_string(labels) + " labels";
  switch (task.kind) {
    case TaskKind::Classification:
      return {head.kind == HeadKind::Classification && head.num_labels >= labels, "classification" + into};
    case TaskKind::Regression:
      return {head.kind == HeadKind::Regression, "a regression head"};
    case TaskKind::TokenClassification:
      return {head.kind == HeadKind::TokenClassification && head.num_labels >= labels, "token classification" + into};
    case TaskKind::QuestionAnswering:
      return {head.kind == HeadKind::QuestionAnswering, "a question answering head"};
    case TaskKind::LanguageModelling:
      return {(head.kind == HeadKind::LanguageModel && !a.has_decoder()) || head.kind == HeadKind::MaskedLm,
              "a language model's or a masked language model's head"};
    case TaskKind::Translation:
      return {head.kind == HeadKind::LanguageModel && a.has_decoder(), "a decoder with a language model's head"};
  }
  throw Error(ErrorKind::Internal, "unknown kind of task");
}

}  // namespace

void require_task_head(const Model& model, const Task& task) {
  const WantedHead wanted = wanted_head(model.architecture, task);
  if (wanted.fits) return;
  const HeadSpec& head = model.architecture.head;
  throw Error(ErrorKind::InvalidInput,
              {.what = "the model has no head for this task of " + std::string(to_string(task.kind)),
               .where = display_name(model),
               .got = std::string(to_string(head.kind)) + " with " + std::to_string(head.num_labels) + " outputs",
               .wanted = wanted.name,
               .next = "Fine-tune it on the task first: espalier train."});
}

bool has_split(const Task& task, const std::string& split) {
  return std::ranges::find(task.splits, split) != task.splits.end();
}

std::string evaluation_split(const Task& task, const std::string& wanted) {
  return wanted.empty() ? evaluation_split(task) : wanted;
}

std::vector<int32_t> LoadedSplit::labels() const {
  std::vector<int32_t> all;
  for (const EncodedExample& example : encoded.examples) all.push_back(example.label);
  return all;
}

std::vector<double> LoadedSplit::scores() const {
  std::vector<double> all;
  for (const EncodedExample& example : encoded.examples) all.push_back(example.score);
  return all;
}

Dataset load_examples(const Task& task, const std::string& split, int64_t max_examples,
                      std::vector<std::string>& warnings, const CancelToken& cancel) {
  Dataset dataset = task.load(split, cancel);
  if (max_examples > 0 && std::ssize(dataset.examples) > max_examples) {
    dataset.examples.resize(static_cast<size_t>(max_examples));
  }
  const SkippedRows& skipped = dataset.skipped;
  const std::string reason = skipped.first_reasons.empty() ? "" : " (" + skipped.first_reasons.front() + ")";
  if (dataset.examples.empty()) {
    throw Error(ErrorKind::InvalidInput, {.what = "the split \"" + split + "\" holds no usable example",
                                          .where = task.name,
                                          .got = std::to_string(skipped.count) + " rows skipped" + reason,
                                          .wanted = {},
                                          .next = "Check the columns and labels of the file."});
  }
  if (skipped.count > 0) {
    warnings.push_back(std::to_string(skipped.count) + " rows of " + split + " were skipped" + reason + ".");
  }
  return dataset;
}

std::string cut_warning(int64_t cut, size_t examples, const std::string& split, int64_t length) {
  return std::to_string(cut) + " of " + std::to_string(examples) + " examples of " + split + " were cut at " +
         std::to_string(length) + " tokens.";
}

LoadedSplit load_job_split(const Task& task, const std::string& split, const Model& model, int64_t max_length,
                           int64_t max_examples, JobContext& context) {
  LoadedSplit loaded;
  loaded.name = split;
  loaded.dataset = load_examples(task, split, max_examples, loaded.warnings, context.cancel);
  loaded.encoded =
      encode(loaded.dataset, *load_tokenizer(model.tokenizer_files, display_name(model)), max_length, context.cancel);
  if (loaded.encoded.truncated > 0) {
    loaded.warnings.push_back(cut_warning(loaded.encoded.truncated, loaded.dataset.examples.size(), split, max_length));
  }
  return loaded;
}

void require_labels(const LoadedSplit& split, const Task& task, const Model& model) {
  if (task.kind == TaskKind::Regression) return;
  for (size_t i = 0; i < split.encoded.examples.size(); ++i) {
    const int32_t label = split.encoded.examples[i].label;
    if (label >= 0 && label < model.architecture.head.num_labels) continue;
    throw Error(ErrorKind::InvalidInput,
                {.what = label < 0 ? "the split has examples without a label" : "the model does not know a label",
                 .where = task.name + " " + split.name + ", example " + std::to_string(i + 1),
                 .got = label < 0 ? std::string() : std::to_string(label),
                 .wanted = "labels 0 to " + std::to_string(model.architecture.head.num_labels - 1),
                 .next = "Choose a labelled split, or fine-tune the model on this task."});
  }
}

std::string data_identity(const Task& task, const std::vector<std::string>& splits) {
  std::string all = task.generator;
  for (const std::string& split : splits) {
    all += "\n" + split;
    if (!task.files) continue;
    for (const std::filesystem::path& file : task.files(split)) {
      all += ' ';
      all += sha256_file(file);
    }
  }
  for (const std::string& label : task.labels) all += "\n" + label;
  return sha256(all);
}

}  // namespace espalier
