// Removal of attention heads by sensitivity of the loss. Michel, Levy, Neubig 2019, "Are Sixteen Heads Really Better
// than One?", arXiv 1905.10650, section 4.1: I_h = E_x |dL/dxi_h|. The paper takes the absolute value of each example,
// its release that of each token; both are here, the paper's by default.

#include <algorithm>
#include <map>
#include <set>

#include "compress/ranking.h"
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

// The pairs of the list as sets by layer.
std::map<int64_t, std::set<HeadIndex>> listed_heads(const Settings& settings) {
  std::map<int64_t, std::set<HeadIndex>> listed;
  for (const Json& pair : settings.json().at("heads")) {
    listed[pair.at(0).get<int64_t>()].insert(HeadIndex(pair.at(1).get<int64_t>()));
  }
  return listed;
}

std::vector<Issue> check_list(const Model& model, const Settings& settings) {
  std::vector<Issue> issues;
  const auto& layers = model.architecture.layers;
  const auto listed = listed_heads(settings);
  for (const auto& [layer, heads] : listed) {
    if (layer < 0 || layer >= static_cast<int64_t>(layers.size())) {
      issues.push_back({"heads", "Layer " + std::to_string(layer) + " does not exist; the model has " +
                                     std::to_string(layers.size()) + " layers, counted from 0."});
      continue;
    }
    const std::vector<HeadIndex>& present = layers[static_cast<size_t>(layer)].attention.heads;
    for (const HeadIndex head : heads) {
      if (std::ranges::find(present, head) != present.end()) continue;
      std::string left;
      for (const HeadIndex other : present) left += (left.empty() ? "" : ", ") + std::to_string(other.value);
      issues.push_back({"heads", "Layer " + std::to_string(layer) + " has no head " + std::to_string(head.value) +
                                     "; it has " + left + "."});
    }
  }
  if (!issues.empty()) return issues;
  const int64_t minimum = settings.integer("min_heads");
  for (const auto& group : sharing_groups(model, Part::Attention)) {
    std::set<HeadIndex> gone;
    for (const LayerIndex layer : group) {
      const auto found = listed.find(layer.value);
      if (found != listed.end()) gone.insert(found->second.begin(), found->second.end());
    }
    const auto present = static_cast<int64_t>(layers[static_cast<size_t>(group.front().value)].attention.heads.size());
    const int64_t left = present - static_cast<int64_t>(gone.size());
    if (left >= minimum || gone.empty()) continue;
    issues.push_back({"heads", "Layer " + std::to_string(group.front().value) + " would keep " + std::to_string(left) +
                                   " of " + std::to_string(present) + " heads, wanted at least " +
                                   std::to_string(minimum) + ". Take some of its heads off the list."});
  }
  return issues;
}

// The heads that stay when the list goes; a shared head goes in all its layers.
HeadsOfLayers kept_by_list(const Model& model, const Settings& settings) {
  const auto listed = listed_heads(settings);
  HeadsOfLayers kept(model.architecture.layers.size());
  for (const auto& group : sharing_groups(model, Part::Attention)) {
    std::set<HeadIndex> gone;
    for (const LayerIndex layer : group) {
      const auto found = listed.find(layer.value);
      if (found != listed.end()) gone.insert(found->second.begin(), found->second.end());
    }
    for (const LayerIndex layer : group) {
      const auto index = static_cast<size_t>(layer.value);
      for (const HeadIndex head : model.architecture.layers[index].attention.heads) {
        if (!gone.contains(head)) kept[index].push_back(head);
      }
    }
  }
  return kept;
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
    return has_list(settings) ? check_list(model, settings) : check_structured(model, plan_of(step, settings));
  }

  Model preview(const Model& model, const Step& step) const override {
    const Settings settings = settings_of(step);
    Model result = has_list(settings) ? keep_heads(model, kept_by_list(model, settings), Cut::Shapes)
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
      result.model = keep_heads(model, kept_by_list(model, settings));
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
