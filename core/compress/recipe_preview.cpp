// Checks and estimates of whole recipes: every step is looked at on the preview of the steps before it.
#include <algorithm>

#include "compress/method.h"
#include "compress/retraining.h"
#include "measure/cost.h"
#include "train/fine_tune.h"

namespace espalier {
namespace {

constexpr int64_t kEstimateLength = 128;
// Reading, rewriting and packing one weight, bytes a second; only for rough seconds.
constexpr double kRewriteBytesPerSecond = 2e8;

Estimate sizes_of(const Model& model) {
  Estimate estimate;
  estimate.bundle_bytes = predicted_bundle_bytes(model);
  estimate.parameters = num_parameters(model);
  estimate.macs = count_macs(model, kEstimateLength);
  estimate.job_seconds = 0;
  estimate.peak_bytes = 2 * weight_bytes(model);
  return estimate;
}

bool has_setting(const Method& method, const std::string& key) {
  return std::ranges::any_of(method.settings(), [&](const Setting& setting) { return setting.key == key; });
}

double seconds_of(const Method& method, const Model& before, const Model& after, const Step& step,
                  const Settings& settings, const Needs& needs, const Resources* resources) {
  double seconds =
      static_cast<double>(weight_bytes(before)) / kRewriteBytesPerSecond + method.extra_seconds(before, step);
  if (needs.retraining) {
    const double training = retraining_seconds(after, settings, resources);
    if (training < 0) return -1;
    seconds += training;
  }
  if (needs.calibration || needs.labels) {
    const int64_t rounds = has_setting(method, "steps") ? settings.integer("steps") : 1;
    const int64_t examples = has_setting(method, "max_examples") ? settings.integer("max_examples") : 0;
    const double importance = gradient_seconds(before, examples * rounds, resources);
    if (importance < 0) return -1;
    seconds += importance;
  }
  return seconds;
}

}  // namespace

std::vector<StepIssue> check_recipe(const Model& model, const Recipe& recipe, const Resources* resources) {
  std::vector<StepIssue> found;
  Model current = model;
  for (size_t i = 0; i < recipe.steps.size(); ++i) {
    const Step& step = recipe.steps[i];
    if (!step.enabled) continue;
    const std::vector<Issue> issues = check_step(current, step, resources);
    for (const Issue& issue : issues) found.push_back({i, issue});
    if (issues.empty()) current = method(step.method).preview(current, step);
  }
  return found;
}

std::vector<Estimate> estimate_recipe(const Model& model, const Recipe& recipe, const Resources* resources) {
  std::vector<Estimate> estimates = {sizes_of(model)};
  Model current = model;
  for (const Step& step : recipe.steps) {
    if (!step.enabled) continue;
    if (!check_step(current, step, nullptr).empty()) {
      estimates.emplace_back();
      continue;
    }
    const Method& chosen = method(step.method);
    const Settings settings(chosen.settings(), step.settings);
    const Needs needs = chosen.needs(settings);
    Model after = chosen.preview(current, step);
    Estimate estimate = sizes_of(after);
    estimate.job_seconds = seconds_of(chosen, current, after, step, settings, needs, resources);
    estimate.peak_bytes = weight_bytes(current) + weight_bytes(after);
    if (needs.retraining) estimate.peak_bytes += retraining_bytes(after, settings);
    estimates.push_back(estimate);
    current = std::move(after);
  }
  return estimates;
}

}  // namespace espalier
