// Which answers of a model differ from a baseline's, and where.

#include "measure/flips.h"

#include "base/error.h"
#include "job_kinds/inputs.h"
#include "job_kinds/look_kinds.h"
#include "job_kinds/quality/measure.h"
#include "measure/evaluate.h"

namespace espalier {
namespace {

Json counts_json(const FlipCounts& counts) {
  Json json = {{"examples", counts.examples},
               {"lost", counts.lost},
               {"gained", counts.gained},
               {"moved", counts.moved},
               {"mcnemar_p", counts.mcnemar_p}};
  add_interval(json, "baseline_accuracy", counts.before);
  add_interval(json, "accuracy", counts.after);
  return json;
}

Json row_json(size_t index, const FlipRow& row, const Example& example) {
  Json json = {{"index", index},
               {"kind", to_string(row.kind)},
               {"text", example.text},
               {"gold", row.gold},
               {"baseline_answer", row.before},
               {"answer", row.after},
               {"baseline_probability", row.before_probability},
               {"probability", row.after_probability},
               {"baseline_gold_probability", row.before_gold_probability},
               {"gold_probability", row.after_gold_probability},
               {"baseline_loss", row.before_loss},
               {"loss", row.after_loss}};
  if (example.has_pair) json["pair"] = example.pair;
  return json;
}

Json slices_json(const FlipSlices& slices) {
  Json json = Json::array();
  for (const FlipSlice& slice : slices.slices) {
    json.push_back(counts_json(slice.counts));
    json.back()["by"] = slice.by;
    json.back()["name"] = slice.name;
    json.back()["members"] = slice.examples;
  }
  return json;
}

void require_same_labels(const Model& baseline, const Model& model) {
  const HeadSpec &before = baseline.architecture.head, &after = model.architecture.head;
  if (before.num_labels == after.num_labels &&
      (before.labels == after.labels || before.labels.empty() || after.labels.empty())) {
    return;
  }
  const auto list = [](const HeadSpec& head) {
    std::string text;
    for (const std::string& label : head.labels) text += (text.empty() ? "" : ", ") + label;
    return text.empty() ? std::to_string(head.num_labels) + " labels" : text;
  };
  throw Error(ErrorKind::InvalidInput, {.what = "the two models do not answer with the same labels",
                                        .where = display_name(model),
                                        .got = list(after),
                                        .wanted = "those of " + display_name(baseline) + ": " + list(before),
                                        .next = "Compare a model with the one that it was made from."});
}

}  // namespace

Json flips_job(const JobSpec& spec, JobContext& context) {
  const Json& settings = spec.settings;
  const auto rows = json_get_or(settings, "rows", std::string("changed"), kSettingsOf);
  if (rows != "changed" && rows != "all") {
    throw Error(ErrorKind::InvalidInput, {.what = "unknown choice of rows",
                                          .where = std::string(kSettingsOf),
                                          .got = rows,
                                          .wanted = "changed or all",
                                          .next = {}});
  }
  context.progress.set_stage("opening models and task");
  const Model model = open_job_model(json_get<std::string>(settings, "model", kSettingsOf));
  const Model baseline = open_job_model(json_get<std::string>(settings, "baseline", kSettingsOf));
  require_same_labels(baseline, model);
  const Task task = open_job_task(json_get<std::string>(settings, "task", kSettingsOf), model);
  if (task.kind != TaskKind::Classification) {
    throw Error(ErrorKind::InvalidInput, {.what = "answers flip between labels",
                                          .where = task.name,
                                          .got = "a task of " + std::string(to_string(task.kind)),
                                          .wanted = "a classification task",
                                          .next = {}});
  }
  require_task_head(model, task);
  require_task_head(baseline, task);
  const std::string split_name = evaluation_split(task, json_get_or(settings, "split", std::string(), kSettingsOf));
  const auto max_examples = json_get_or(settings, "max_examples", int64_t{0}, kSettingsOf);
  const auto load = [&](const Model& of) {
    LoadedSplit split = load_job_split(task, split_name, of, job_max_length(settings, of), max_examples, context);
    require_labels(split, task, of);
    return split;
  };
  // Each model reads with its own tokenizer.
  const LoadedSplit split = load(model), baseline_split = load(baseline);

  context.progress.set_stage("answers of the baseline");
  JobContext first = context.slice(0.05, 0.5);
  const Tensor before = predict(*make_runner(baseline), baseline_split.encoded, first);
  context.progress.set_stage("answers of the model");
  JobContext second = context.slice(0.5, 0.95);
  const Tensor after = predict(*make_runner(model), split.encoded, second);

  const Flips flips = find_flips(before, after, split.labels());
  SliceInput input;
  input.label_names = task.labels;
  input.least_examples = json_get_or(settings, "least_examples", input.least_examples, kSettingsOf);
  for (size_t i = 0; i < split.dataset.examples.size(); ++i) {
    const Example& example = split.dataset.examples[i];
    input.texts.push_back(example.has_pair ? example.text + " " + example.pair : example.text);
    input.lengths.push_back(static_cast<int64_t>(split.encoded.examples[i].encoding.size()));
  }
  const FlipSlices slices = slice_flips(flips, input, context.cancel);
  Json answer = counts_json(flips.all);
  answer["labels"] = task.labels;
  answer["split"] = split.name;
  answer["baseline_confusion"] = flips.before;
  answer["confusion"] = flips.after;
  answer["between"] = flips.between;
  answer["slices"] = slices_json(slices);
  answer["words_tested"] = slices.words_tested;
  answer["warnings"] = split.warnings;
  answer["rows"] = Json::array();
  for (size_t i = 0; i < flips.rows.size(); ++i) {
    const FlipKind kind = flips.rows[i].kind;
    if (rows == "changed" && (kind == FlipKind::SameRight || kind == FlipKind::SameWrong)) continue;
    answer["rows"].push_back(row_json(i, flips.rows[i], split.dataset.examples[i]));
  }
  return answer;
}

}  // namespace espalier
