// Heads, feed-forward units or layers by several criteria side by side: scores, agreement of the rankings, and what is
// left of accuracy as they go in the order of each.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "introspect/criteria.h"
#include "job_kinds/importance.h"
#include "job_kinds/inputs.h"
#include "job_kinds/look_kinds.h"
#include "measure/correlation.h"
#include "measure/interval.h"

namespace espalier {
namespace {

std::vector<Criterion> criteria_named(const Json& settings, Prunable prunable) {
  const auto names = json_get_or(settings, "criteria", std::vector<std::string>(), kSettingsOf);
  if (names.empty()) return default_criteria(prunable);
  std::vector<Criterion> criteria;
  for (const std::string& name : names) {
    const Criterion criterion = criterion_from(name, prunable);
    if (std::ranges::find(criteria, criterion) == criteria.end()) criteria.push_back(criterion);
  }
  return criteria;
}

std::vector<double> flat(const LayerScores& scores) {
  std::vector<double> all;
  for (const std::vector<double>& layer : scores) all.insert(all.end(), layer.begin(), layer.end());
  return all;
}

Json agreement(const std::vector<CriterionScores>& ranked) {
  Json rows = Json::array();
  for (const CriterionScores& a : ranked) {
    rows.emplace_back(Json::array());
    for (const CriterionScores& b : ranked) rows.back().push_back(kendall_tau_b(flat(a.scores), flat(b.scores)));
  }
  return rows;
}

Json point_json(const RemovalPoint& point, int64_t examples) {
  Json json = {{"removed", point.removed}};
  add_interval(json, "accuracy", proportion(point.right, examples));
  return json;
}

Json curve_json(const RemovalCurve& curve, int64_t examples) {
  Json points = Json::array();
  for (const RemovalPoint& point : curve.points) points.push_back(point_json(point, examples));
  return points;
}

// The numbers of the heads that are left; units and layers are counted as they are.
Json kept_json(const Architecture& architecture, Prunable prunable) {
  Json kept = Json::array();
  for (const LayerSpec& layer : architecture.layers) {
    Json items = Json::array();
    const int64_t count = prunable == Prunable::Units ? layer.ffn.width : 1;
    if (prunable == Prunable::Heads) {
      for (const HeadIndex head : layer.attention.heads) items.push_back(head.value);
    } else {
      for (int64_t i = 0; i < count; ++i) items.push_back(i);
    }
    kept.push_back(items);
  }
  return kept;
}

}  // namespace

Json importance_job(const JobSpec& spec, JobContext& context) {
  const Json& settings = spec.settings;
  const Prunable prunable = prunable_from(json_get_or(settings, "of", std::string("heads"), kSettingsOf));
  const std::vector<Criterion> criteria = criteria_named(settings, prunable);
  const bool with_curve = json_get_or(settings, "curve", false, kSettingsOf);
  CriterionOptions options;
  options.device = json_get_or(settings, "device", options.device, kSettingsOf);
  options.gate_steps = json_get_or(settings, "gate_steps", options.gate_steps, kSettingsOf);
  options.gate_penalty = json_get_or(settings, "gate_penalty", options.gate_penalty, kSettingsOf);
  options.seed = spec.seed;
  options.michel_per_token = importance_average(settings) == ImportanceAverage::PerToken;
  if (options.michel_per_token && prunable == Prunable::Layers) {
    throw Error(ErrorKind::InvalidInput, {.what = "the gate of a layer has one gradient an example",
                                          .where = "average",
                                          .got = "token",
                                          .wanted = "example, or heads or units",
                                          .next = {}});
  }
  CurveOptions curve_options;
  curve_options.device = options.device;
  curve_options.step = json_get_or(settings, "curve_step", curve_options.step, kSettingsOf);
  curve_options.tolerance = json_get_or(settings, "tolerance", curve_options.tolerance, kSettingsOf);

  context.progress.set_stage("opening model and task");
  const Model model = open_job_model(json_get<std::string>(settings, "model", kSettingsOf));
  const Task task = open_job_task(json_get<std::string>(settings, "task", kSettingsOf), model);
  require_task_head(model, task);
  if (with_curve && task.kind != TaskKind::Classification) {
    throw Error(ErrorKind::InvalidInput, {.what = "the curve is one of accuracy",
                                          .where = task.name,
                                          .got = "a task of " + std::string(to_string(task.kind)),
                                          .wanted = "a classification task",
                                          .next = "Leave the curve out."});
  }
  const int64_t max_length = job_max_length(settings, model);
  const auto max_examples = json_get_or(settings, "max_examples", int64_t{1000}, kSettingsOf);
  const auto load = [&](const char* key) {
    const std::string name = evaluation_split(task, json_get_or(settings, key, std::string(), kSettingsOf));
    LoadedSplit split = load_job_split(task, name, model, max_length, max_examples, context);
    require_labels(split, task, model);
    return split;
  };
  const LoadedSplit ranking_split = load("split");
  LoadedSplit curve_split;
  if (with_curve) curve_split = load("curve_split");

  const double part = (with_curve ? 0.5 : 1.0) / static_cast<double>(criteria.size());
  std::vector<CriterionScores> ranked;
  Json answer = {{"of", to_string(prunable)},
                 {"criteria", Json::array()},
                 {"kept", kept_json(model.architecture, prunable)},
                 {"examples", ranking_split.encoded.examples.size()},
                 {"split", ranking_split.name},
                 {"max_length", max_length},
                 {"seed", options.seed},
                 {"warnings", ranking_split.warnings}};
  const auto progress_at = [&](size_t i) { return static_cast<double>(i) * part; };
  for (const Criterion criterion : criteria) {
    context.progress.set_stage(fmt::format("{} by {}", to_string(prunable), to_string(criterion)));
    JobContext scoring = context.slice(progress_at(ranked.size()), progress_at(ranked.size() + 1));
    ranked.push_back(score_items(model, ranking_split.encoded, prunable, criterion, options, scoring));
    answer["criteria"].push_back(
        {{"criterion", to_string(criterion)}, {"scores", ranked.back().scores}, {"seconds", ranked.back().seconds}});
    if (criterion == Criterion::Michel) {
      answer["criteria"].back()["average"] = options.michel_per_token ? "token" : "example";
    }
    context.result({{"kind", "criterion"}, {"criterion", answer["criteria"].back()}});
  }
  answer["agreement"] = agreement(ranked);
  if (!with_curve) return answer;

  const auto examples = static_cast<int64_t>(curve_split.encoded.examples.size());
  answer["curve_split"] = curve_split.name;
  answer["curve_examples"] = examples;
  answer["tolerance"] = curve_options.tolerance;
  for (size_t i = 0; i < ranked.size(); ++i) {
    context.progress.set_stage(fmt::format("removing {} by {}", to_string(prunable), to_string(criteria[i])));
    JobContext removing = context.slice(0.5 + progress_at(i), 0.5 + progress_at(i + 1));
    const auto begin = std::chrono::steady_clock::now();
    const RemovalCurve curve = removal_curve(
        model, curve_split.encoded, prunable, removal_order(ranked[i].scores), curve_options, removing,
        [&](const RemovalPoint& point) {
          context.result(
              {{"kind", "point"}, {"criterion", to_string(criteria[i])}, {"point", point_json(point, examples)}});
        });
    Json& entry = answer["criteria"][i];
    entry["curve"] = curve_json(curve, examples);
    entry["within"] = curve.within;
    entry["curve_seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    context.result({{"kind", "criterion"}, {"criterion", entry}});
  }
  return answer;
}

}  // namespace espalier
