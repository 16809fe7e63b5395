// The dry run behind the recipe form: asked at every keystroke, so model and data are kept between two questions.
#include <optional>

#include "compress/method.h"
#include "job_kinds/inputs.h"
#include "job_kinds/kinds.h"

namespace espalier {
namespace {

struct Opened {
  std::string key;
  Model model;
  Task task;
  LoadedSplit sample;       // enough of the training data for its lengths
  EncodedDataset training;  // as many examples as there are, encoded only as far as `sample` goes
  LoadedSplit dev;
};

constexpr int64_t kSample = 500;

// Changes when the folder or file does: a bundle is replaced as a whole.
std::string stamp_of(const std::string& path) {
  std::error_code none;
  const auto time = std::filesystem::last_write_time(path, none);
  return none ? "" : std::to_string(time.time_since_epoch().count()) + " ";
}

void open_data(Opened& opened, const Json& settings, JobContext& context) {
  const int64_t max_length = job_max_length(settings, opened.model);
  if (has_split(opened.task, "train")) {
    opened.sample = load_job_split(opened.task, "train", opened.model, max_length, kSample, context);
    opened.training = opened.sample.encoded;
    opened.training.examples.resize(opened.task.load("train", context.cancel).examples.size());
  }
  opened.dev =
      load_job_split(opened.task, evaluation_split(opened.task, ""), opened.model, max_length, kSample, context);
}

Opened& opened_for(const Recipe& recipe, const Json& settings, JobContext& context) {
  // A worker runs one job at a time.
  static std::optional<Opened> kept;
  const std::string key = recipe.model + "\n" + recipe.task + "\n" + stamp_of(recipe.model) + stamp_of(recipe.task);
  if (!kept || kept->key != key) {
    kept.reset();
    Opened fresh;
    fresh.key = key;
    fresh.model = materialized(open_job_model(recipe.model));
    if (!recipe.task.empty()) {
      fresh.task = open_job_task(recipe.task, fresh.model);
      if (gives_labelled_texts(fresh.task)) open_data(fresh, settings, context);
    }
    kept = std::move(fresh);
  }
  return *kept;
}

Json to_json(const Estimate& estimate) {
  return {{"bundle_bytes", estimate.bundle_bytes},
          {"parameters", estimate.parameters},
          {"macs", estimate.macs},
          {"job_seconds", estimate.job_seconds},
          {"peak_bytes", estimate.peak_bytes}};
}

}  // namespace

Json check_job(const JobSpec& spec, JobContext& context) {
  const Recipe recipe = recipe_from_json(json_get<Json>(spec.settings, "recipe", kSettingsOf), "recipe");
  const Opened& opened = opened_for(recipe, spec.settings, context);
  Resources resources;
  resources.task = &opened.task;
  resources.train = opened.training.examples.empty() ? nullptr : &opened.training;
  resources.dev = opened.dev.encoded.examples.empty() ? nullptr : &opened.dev.encoded;
  resources.teacher = &opened.model;
  resources.device = recipe.device;
  Json issues = Json::array();
  for (const StepIssue& found : check_recipe(opened.model, recipe, &resources)) {
    issues.push_back({{"step", found.step}, {"key", found.issue.key}, {"message", found.issue.message}});
  }
  Json estimates = Json::array();
  for (const Estimate& estimate : estimate_recipe(opened.model, recipe, &resources)) {
    estimates.push_back(to_json(estimate));
  }
  return {{"issues", issues}, {"estimates", estimates}};
}

}  // namespace espalier
