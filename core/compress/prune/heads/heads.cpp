// Removal of attention heads by sensitivity of the loss. Michel, Levy, Neubig 2019, "Are Sixteen Heads Really Better
// than One?", arXiv 1905.10650, section 4.1: I_h = E_x |dL/dxi_h|. The paper takes the absolute value of each example,
// its release that of each token; both are here, the paper's by default.

#include <algorithm>

#include "base/json.h"
#include "compress/listed_items.h"
#include "compress/retraining.h"
#include "compress/structured.h"

namespace espalier {
namespace {

using HeadsOfLayers = std::vector<std::vector<HeadIndex>>;

MethodInfo make_info() {
  return {.id = "prune.heads",
          .title = "Attention heads (Michel 2019)",
          .family = "prune",
          .anchors = {"michel-heads", "bert-plays-lottery"},
          .paper = "Michel, Levy, Neubig 2019, Are Sixteen Heads Really Better than One?, arXiv 1905.10650",
          .summary = "Removes the attention heads whose absence changes the loss least.",
          .hosts = {"encoder", "decoder"}};
}

std::vector<Setting> make_settings() {
  std::vector<Setting> settings;
  settings.push_back({.key = "fraction",
                      .type = SettingType::Real,
                      .default_value = 0.25,
                      .label = "Share of heads to remove",
                      .help = "Of all heads in scope, to the nearest whole head. Heads that layers share count once.",
                      .minimum = 0,
                      .maximum = 1,
                      .step = 0.05});
  settings.push_back(
      {.key = "heads",
       .type = SettingType::HeadList,
       .default_value = Json::array(),
       .label = "Heads to remove",
       .help = "Pairs of layer and head, heads numbered as in the model first opened. A list replaces the share "
               "and the ranking."});
  settings.push_back({.key = "min_heads",
                      .type = SettingType::Integer,
                      .default_value = 1,
                      .label = "Heads every layer keeps",
                      .help = "No layer is left with fewer heads than this.",
                      .unit = "heads",
                      .minimum = 1,
                      .maximum = 1024,
                      .step = 1,
                      .level = SettingLevel::Advanced});
  for (Setting& setting : structured_settings(true)) settings.push_back(std::move(setting));
  return settings;
}

StructuredPlan plan_of(const Step& step, const Settings& settings) {
  return {.part = Part::Attention,
          .scope = step.scope,
          .fraction = settings.real("fraction"),
          .minimum = settings.integer("min_heads"),
          .same_in_layers = false};
}

bool has_list(const Settings& settings) { return !settings.json().at("heads").empty(); }

ListedItems listed_heads(const Settings& settings) { return listed_items(settings.json().at("heads")); }

Model without_listed(const Model& model, const Settings& settings, Cut cut) {
  return keep_positions(model, Part::Attention, kept_without(model, Part::Attention, listed_heads(settings)), cut);
}

HeadsOfLayers heads_of(const Model& model) {
  HeadsOfLayers heads;
  for (const LayerSpec& layer : model.architecture.layers) heads.push_back(layer.attention.heads);
  return heads;
}

class HeadPruning final : public Method {
 public:
  HeadPruning() : Method(make_info(), make_settings()) {}

  Needs needs(const Settings& settings) const override {
    return structured_needs(settings, !has_list(settings) && settings.real("fraction") > 0);
  }

  std::vector<Issue> check(const Model& model, const Step& step) const override {
    const Settings settings = settings_of(step);
    if (!has_list(settings)) return check_structured(model, plan_of(step, settings));
    return check_listed(model, Part::Attention, "heads", listed_heads(settings), settings.integer("min_heads"));
  }

  Model preview(const Model& model, const Step& step) const override {
    const Settings settings = settings_of(step);
    Model result = has_list(settings) ? without_listed(model, settings, Cut::Shapes)
                                      : preview_structured(model, plan_of(step, settings));
    return wants_retraining(settings) ? preview_retrained(result) : result;
  }

  MethodResult apply(const Model& model, const Step& step, const Resources& resources, uint64_t seed,
                     JobContext& context) const override {
    require_step(*this, model, step, resources);
    context.cancel.throw_if_cancelled();
    const Settings settings = settings_of(step);
    MethodResult result;
    if (has_list(settings)) {
      result.model = without_listed(model, settings, Cut::Values);
      result.model = retrain(result.model, settings, resources, seed, context, result.report);
    } else if (settings.real("fraction") > 0) {
      result.model =
          prune_structured(model, plan_of(step, settings), settings, resources, seed, context, result.report).model;
    } else {
      result.model = retrain(model, settings, resources, seed, context, result.report);
    }
    report_heads(model, result);
    add_size_report(result.report, model, result.model);
    return result;
  }

  Probe probe(const Model& model) const override {
    const auto missing = static_cast<int64_t>(model.architecture.layers.size());
    return {.identity = step_with({{"fraction", 0.0}}),
            .typical = step_with({{"fraction", 0.25}, {"max_examples", 64}}),
            .series = {step_with({{"fraction", 0.0}}), step_with({{"fraction", 0.25}, {"max_examples", 64}}),
                       step_with({{"fraction", 0.5}, {"max_examples", 64}})},
            .unmet = step_with({{"heads", Json::array({Json::array({missing, 0})})}})};
  }

  std::optional<Model> masked_form(const Model& model, const MethodResult& result) const override {
    return zero_heads(model, heads_of(result.model));
  }

 private:
  static void report_heads(const Model& before, MethodResult& result) {
    Json removed = Json::array(), left = Json::array();
    int64_t present = 0;
    for (size_t layer = 0; layer < before.architecture.layers.size(); ++layer) {
      const std::vector<HeadIndex>& kept = result.model.architecture.layers[layer].attention.heads;
      for (const HeadIndex head : before.architecture.layers[layer].attention.heads) {
        ++present;
        if (std::ranges::find(kept, head) == kept.end()) removed.push_back(Json::array({layer, head.value}));
      }
      left.push_back(kept.size());
    }
    result.report["heads_before"] = present;
    result.report["heads_removed_frac"] =
        present == 0 ? 0.0 : static_cast<double>(removed.size()) / static_cast<double>(present);
    result.report["heads_removed"] = std::move(removed);
    result.report["heads_left"] = std::move(left);
  }
};

}  // namespace

std::unique_ptr<Method> make_prune_heads() { return std::make_unique<HeadPruning>(); }

}  // namespace espalier
