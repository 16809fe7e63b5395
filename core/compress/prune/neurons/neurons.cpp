// Removal of feed-forward units by gate gradient. Kim and Awadalla 2020, "FastFormers", arXiv 2010.13382: the
// importance of a unit is |sum_in dL/dW * W + dL/db * b| over its row of in_proj, which is the gradient of a gate on
// that row; here the gate stands on the activation instead (Prasanna, Rogers, Rumshisky 2020, arXiv 2005.00561), the
// sensitivity to removing the unit.

#include "base/json.h"
#include "compress/listed_items.h"
#include "compress/ranking.h"
#include "compress/retraining.h"
#include "compress/structured.h"

namespace espalier {
namespace {

MethodInfo make_info() {
  return {
      .id = "prune.neurons",
      .title = "Feed-forward units (FastFormers 2020)",
      .family = "prune",
      .anchors = {"fastformers", "bert-plays-lottery"},
      .paper =
          "Kim, Awadalla 2020, FastFormers: Highly Efficient Transformer Models for Natural Language Understanding, "
          "arXiv 2010.13382",
      .summary = "Removes the feed-forward units whose absence changes the loss least.",
      .hosts = {"encoder", "decoder"}};
}

std::vector<Setting> make_settings() {
  std::vector<Setting> settings;
  settings.push_back(
      {.key = "fraction",
       .type = SettingType::Real,
       .default_value = 0.25,
       .label = "Share of units to remove",
       .help = "Of the feed-forward units in scope, to the nearest whole unit. Units that layers share count "
               "once.",
       .minimum = 0,
       .maximum = 1,
       .step = 0.05});
  settings.push_back(
      {.key = "units",
       .type = SettingType::HeadList,
       .default_value = Json::array(),
       .label = "Units to remove",
       .help = "Pairs of layer and unit, units numbered from 0 in the layer as this step finds it. A list replaces the "
               "share and the ranking."});
  settings.push_back(
      {.key = "distribution",
       .type = SettingType::Choice,
       .default_value = "layer",
       .label = "Remove from",
       .help = "The same share of every layer, so that all layers stay alike, or the least important units of "
               "all layers together.",
       .choices = {{"layer", "every layer alike"}, {"global", "all layers together"}}});
  settings.push_back({.key = "min_units",
                      .type = SettingType::Integer,
                      .default_value = 1,
                      .label = "Units every layer keeps",
                      .help = "No layer is left with fewer units than this.",
                      .unit = "units",
                      .minimum = 1,
                      .maximum = 1e6,
                      .step = 1,
                      .level = SettingLevel::Advanced});
  for (Setting& setting : structured_settings(true)) settings.push_back(std::move(setting));
  return settings;
}

StructuredPlan plan_of(const Step& step, const Settings& settings) {
  return {.part = Part::FeedForward,
          .scope = step.scope,
          .fraction = settings.real("fraction"),
          .minimum = settings.integer("min_units"),
          .same_in_layers = settings.text("distribution") == "layer"};
}

bool has_list(const Settings& settings) { return !settings.json().at("units").empty(); }

ListedItems listed_units(const Settings& settings) { return listed_items(settings.json().at("units")); }

class NeuronPruning final : public Method {
 public:
  NeuronPruning() : Method(make_info(), make_settings()) {}

  Needs needs(const Settings& settings) const override {
    return structured_needs(settings, !has_list(settings) && settings.real("fraction") > 0);
  }

  std::vector<Issue> check(const Model& model, const Step& step) const override {
    const Settings settings = settings_of(step);
    if (!has_list(settings)) return check_structured(model, plan_of(step, settings));
    return check_listed(model, Part::FeedForward, "units", listed_units(settings), settings.integer("min_units"));
  }

  Model preview(const Model& model, const Step& step) const override {
    const Settings settings = settings_of(step);
    Model result = has_list(settings)
                       ? keep_units(model, kept_without(model, Part::FeedForward, listed_units(settings)), Cut::Shapes)
                       : preview_structured(model, plan_of(step, settings));
    return wants_retraining(settings) ? preview_retrained(result) : result;
  }

  MethodResult apply(const Model& model, const Step& step, const Resources& resources, uint64_t seed,
                     JobContext& context) const override {
    require_step(*this, model, step, resources);
    context.cancel.throw_if_cancelled();
    const Settings settings = settings_of(step);
    MethodResult result;
    std::vector<std::vector<int64_t>> kept;
    for (const int64_t count : item_counts(model, Part::FeedForward)) kept.push_back(complement({}, count));
    if (has_list(settings)) {
      kept = kept_without(model, Part::FeedForward, listed_units(settings));
      result.model = retrain(keep_units(model, kept), settings, resources, seed, context, result.report);
    } else if (settings.real("fraction") > 0) {
      StructuredResult pruned =
          prune_structured(model, plan_of(step, settings), settings, resources, seed, context, result.report);
      result.model = std::move(pruned.model);
      kept = std::move(pruned.kept);
    } else {
      result.model = retrain(model, settings, resources, seed, context, result.report);
    }
    report_units(model, kept, result.report);
    add_size_report(result.report, model, result.model);
    return result;
  }

  Probe probe(const Model&) const override {
    return {.identity = step_with({{"fraction", 0.0}}),
            .typical = step_with({{"fraction", 0.25}, {"max_examples", 64}}),
            .series = {step_with({{"fraction", 0.0}}), step_with({{"fraction", 0.25}, {"max_examples", 64}}),
                       step_with({{"fraction", 0.5}, {"max_examples", 64}})},
            .unmet = step_with({{"fraction", 1.0}})};
  }

  std::optional<Model> masked_form(const Model& model, const MethodResult& result) const override {
    std::vector<std::vector<int64_t>> kept;
    const std::vector<int64_t> counts = item_counts(model, Part::FeedForward);
    for (size_t layer = 0; layer < counts.size(); ++layer) {
      kept.push_back(
          complement(result.report.at("units_removed").at(layer).get<std::vector<int64_t>>(), counts[layer]));
    }
    return zero_units(model, kept);
  }

 private:
  // "units_removed": for every layer the positions that are gone.
  static void report_units(const Model& before, const std::vector<std::vector<int64_t>>& kept, Json& report) {
    const std::vector<int64_t> counts = item_counts(before, Part::FeedForward);
    int64_t present = 0, left = 0;
    Json removed = Json::array(), left_of_layers = Json::array();
    for (size_t layer = 0; layer < counts.size(); ++layer) {
      present += counts[layer];
      left += static_cast<int64_t>(kept[layer].size());
      removed.push_back(complement(kept[layer], counts[layer]));
      left_of_layers.push_back(kept[layer].size());
    }
    report["units_before"] = present;
    report["units_removed_frac"] =
        present == 0 ? 0.0 : static_cast<double>(present - left) / static_cast<double>(present);
    report["units_removed"] = std::move(removed);
    report["units_left"] = std::move(left_of_layers);
  }
};

}  // namespace

std::unique_ptr<Method> make_prune_neurons() { return std::make_unique<NeuronPruning>(); }

}  // namespace espalier
