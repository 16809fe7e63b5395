// Questions about edits of one model on one task. The session stays warm between jobs of one worker: a second question
// neither opens nor runs the baseline again.

#include "measure/what_if.h"

#include <chrono>
#include <memory>

#include "base/error.h"
#include "job_kinds/edits.h"
#include "job_kinds/inputs.h"
#include "job_kinds/look_kinds.h"

namespace espalier {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

// Every file of a folder, or the file, with its size and time of change: what tells that it was written anew.
Json files_of(const std::filesystem::path& path) {
  Json files = Json::array();
  std::error_code none;
  const auto add = [&](const std::filesystem::path& file) {
    files.push_back({file.string(), std::filesystem::file_size(file, none),
                     std::filesystem::last_write_time(file, none).time_since_epoch().count()});
  };
  if (std::filesystem::is_directory(path, none)) {
    for (const auto& entry : std::filesystem::directory_iterator(path, none)) add(entry.path());
  } else if (std::filesystem::exists(path, none)) {
    add(path);
  }
  return files;
}

struct Session {
  Json key;
  std::string split;
  std::vector<std::string> warnings;
  double open_seconds = 0;
  std::unique_ptr<const WhatIf> what_if;
  SpectrumCache spectra;
};

// All that decides what a session holds.
Json session_key(const JobSpec& spec) {
  const auto model = json_get<std::string>(spec.settings, "model", kSettingsOf);
  const auto task = json_get<std::string>(spec.settings, "task", kSettingsOf);
  Json key = {{"seed", spec.seed}, {"model_files", files_of(model)}, {"task_files", files_of(task)}};
  for (const char* name : {"model", "task", "task_options", "split", "max_examples", "max_length", "keep_bytes"}) {
    if (spec.settings.contains(name)) key[name] = spec.settings[name];
  }
  return key;
}

std::unique_ptr<Session> open_session(const JobSpec& spec, Json key, JobContext& context) {
  const Json& settings = spec.settings;
  const Clock::time_point begin = Clock::now();
  context.progress.set_stage("opening model and task");
  auto session = std::make_unique<Session>();
  session->key = std::move(key);
  Model model = open_job_model(json_get<std::string>(settings, "model", kSettingsOf));
  const Task task = open_job_task(settings, model);
  require_task_head(model, task);
  if (task.kind != TaskKind::Classification) {
    throw Error(ErrorKind::InvalidInput, {.what = "a question is one of accuracy",
                                          .where = task.name,
                                          .got = "a task of " + std::string(to_string(task.kind)),
                                          .wanted = "a classification task",
                                          .next = {}});
  }
  const std::string name = evaluation_split(task, json_get_or(settings, "split", std::string(), kSettingsOf));
  LoadedSplit split = load_job_split(task, name, model, job_max_length(settings, model),
                                     json_get_or(settings, "max_examples", int64_t{0}, kSettingsOf), context);
  require_labels(split, task, model);
  session->split = split.name;
  session->warnings = split.warnings;
  WhatIfOptions options;
  options.keep_bytes = json_get_or(settings, "keep_bytes", options.keep_bytes, kSettingsOf);
  options.seed = spec.seed;
  context.progress.set_stage("running the baseline");
  JobContext running = context.slice(0.05, 0.5);
  session->what_if = std::make_unique<const WhatIf>(std::move(model), std::move(split.encoded), options, running);
  session->open_seconds = milliseconds_since(begin) / 1000;
  return session;
}

Json estimate_json(const WhatIfEstimate& estimate) {
  Json json = {{"examples_run", estimate.examples_run},
               {"examples", estimate.examples},
               {"lost", estimate.lost},
               {"gained", estimate.gained},
               {"settled", estimate.settled}};
  add_interval(json, "accuracy", estimate.accuracy);
  add_interval(json, "changed_frac", estimate.changed);
  return json;
}

std::vector<Json> edits_asked(const Json& settings, const Architecture& architecture) {
  auto edits = json_get_or(settings, "edits", std::vector<Json>(), kSettingsOf);
  const auto each = json_get_or(settings, "each", std::string(), kSettingsOf);
  if (!each.empty()) {
    const std::vector<Json> single = single_edits(architecture, each);
    edits.insert(edits.end(), single.begin(), single.end());
  }
  if (edits.empty() && !json_get_or(settings, "open_only", false, kSettingsOf)) {
    throw Error(ErrorKind::InvalidInput, {.what = "there is nothing to ask",
                                          .where = std::string(kSettingsOf),
                                          .got = "no edit",
                                          .wanted = "heads, neurons, a layer, a rank or bits",
                                          .next = {}});
  }
  return edits;
}

Json ask(Session& session, const Json& parts, size_t index, double half_width, JobContext& context) {
  const Clock::time_point begin = Clock::now();
  const Model edited = apply_edit(session.what_if->baseline(), parts, session.spectra);
  double first_ms = -1;
  const auto heard = [&](const WhatIfEstimate& estimate) {
    Json piece = estimate_json(estimate);
    const double ms = milliseconds_since(begin);
    if (first_ms < 0) first_ms = ms;
    piece["kind"] = "estimate";
    piece["edit"] = index;
    piece["ms"] = ms;
    piece["baseline_accuracy"] = session.what_if->baseline_accuracy().value;
    context.result(piece);
  };
  const WhatIfEstimate estimate = session.what_if->ask(edited, half_width, heard, context.cancel);
  const double settled_ms = milliseconds_since(begin);
  Json answer = estimate_json(estimate);
  answer["edit"] = parts;
  answer["text"] = edit_text(parts);
  answer["first_ms"] = first_ms;
  answer["settled_ms"] = settled_ms;
  const std::optional<LayerIndex> first = first_changed_layer(session.what_if->baseline(), edited);
  answer["first_changed_layer"] = first ? Json(first->value) : Json(nullptr);
  answer["parameters"] = num_parameters(edited);
  return answer;
}

}  // namespace

JobFunction make_what_if_job() {
  return [kept = std::make_shared<std::unique_ptr<Session>>()](const JobSpec& spec, JobContext& context) {
    const double half_width = json_get_or(spec.settings, "half_width", WhatIfOptions().half_width, kSettingsOf);
    if (!(half_width >= 0 && half_width <= 1)) {
      throw Error(ErrorKind::InvalidInput, {.what = "the width of an interval of accuracy is a share",
                                            .where = "half_width",
                                            .got = std::to_string(half_width),
                                            .wanted = "0 to 1",
                                            .next = {}});
    }
    Json key = session_key(spec);
    const bool warm = *kept != nullptr && (*kept)->key == key;
    if (!warm) {
      kept->reset();  // the memory of the one before is free while this one opens
      *kept = open_session(spec, std::move(key), context);
    }
    Session& session = **kept;
    const WhatIf& what_if = *session.what_if;
    const std::vector<Json> edits = edits_asked(spec.settings, what_if.baseline().architecture);
    Json answer = {{"split", session.split},
                   {"examples", what_if.examples()},
                   {"half_width", half_width},
                   {"warm", warm},
                   {"open_seconds", warm ? 0.0 : session.open_seconds},
                   {"kept_bytes", what_if.kept_bytes()},
                   {"parameters", num_parameters(what_if.baseline())},
                   {"warnings", session.warnings},
                   {"edits", Json::array()}};
    add_interval(answer, "baseline_accuracy", what_if.baseline_accuracy());
    context.progress.set_stage("asking");
    for (size_t i = 0; i < edits.size(); ++i) {
      answer["edits"].push_back(ask(session, edits[i], i, half_width, context));
      context.progress.report(0.5 + 0.5 * static_cast<double>(i + 1) / static_cast<double>(edits.size()));
    }
    return answer;
  };
}

}  // namespace espalier
