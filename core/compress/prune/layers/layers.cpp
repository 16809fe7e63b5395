// Removal of whole layers by their place in the stack. Fan, Grave, Joulin 2019, "Reducing Transformer Depth on Demand
// with Structured Dropout", arXiv 1909.11556, section 3.3: "every other", evenly spaced layers stay. Sajjad, Dalvi,
// Durrani, Nakov 2020, arXiv 2004.03844, section 3.1: top, bottom and symmetric dropping; alternate dropping is the
// former's.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "base/json.h"
#include "compress/method.h"
#include "compress/ranking.h"
#include "compress/retraining.h"
#include "compress/surgery.h"
#include "train/fine_tune.h"

namespace espalier {
namespace {

constexpr std::string_view kListForm = "numbers of layers with commas, say \"2, 5\" or \"6-8\"";
constexpr int64_t kMostLayers = 100000;

MethodInfo make_info() {
  return {
      .id = "prune.layers",
      .title = "Whole layers (Fan 2019, Sajjad 2020)",
      .family = "prune",
      .anchors = {"layerdrop"},
      .paper =
          "Fan, Grave, Joulin 2019, Reducing Transformer Depth on Demand with Structured Dropout, arXiv 1909.11556; "
          "Sajjad, Dalvi, Durrani, Nakov 2020, On the Effect of Dropping Layers of Pre-trained Transformer Models, "
          "arXiv 2004.03844",
      .summary = "Removes whole layers, by their place in the stack or by a list.",
      .hosts = {"encoder", "decoder"}};
}

std::vector<Setting> make_settings() {
  std::vector<Setting> settings;
  settings.push_back({.key = "fraction",
                      .type = SettingType::Real,
                      .default_value = 0.25,
                      .label = "Share of layers to remove",
                      .help = "Of all layers, to the nearest whole layer. One layer stays.",
                      .minimum = 0,
                      .maximum = 1,
                      .step = 0.05});
  settings.push_back({.key = "layers",
                      .type = SettingType::Text,
                      .default_value = "",
                      .label = "Layers to remove",
                      .help = "Numbers of layers from 0 as this step finds them, say \"2, 5\" or \"6-8\". A list "
                              "replaces the share and the place."});
  settings.push_back(
      {.key = "pattern",
       .type = SettingType::Choice,
       .default_value = "top",
       .label = "Remove from",
       .help = "The top of the stack, evenly over it (every other layer at one half), the bottom, or the "
               "middle.",
       .choices = {{"top", "the top"}, {"even", "evenly"}, {"bottom", "the bottom"}, {"middle", "the middle"}}});
  for (Setting& setting : retrain_settings(0)) settings.push_back(std::move(setting));
  return settings;
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::optional<int64_t> number_in(std::string_view text) {
  text = trimmed(text);
  int64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size() || value < 0 || value > kMostLayers) return {};
  return value;
}

// "2, 5-7": 2, 5, 6, 7. Nothing for a text of another form.
std::optional<std::set<int64_t>> listed_layers(std::string_view text) {
  std::set<int64_t> layers;
  for (std::string_view rest = text; !trimmed(rest).empty();) {
    const std::string_view item = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), item.size() + 1));
    const size_t dash = item.find('-');
    const std::optional<int64_t> first = number_in(item.substr(0, dash));
    const std::optional<int64_t> last = dash == std::string_view::npos ? first : number_in(item.substr(dash + 1));
    if (!first || !last || *last < *first) return {};
    for (int64_t layer = *first; layer <= *last; ++layer) layers.insert(layer);
  }
  return layers;
}

// Of `present` layers the `stay` ones that a pattern keeps, ascending.
std::set<int64_t> kept_by_pattern(const std::string& pattern, int64_t present, int64_t stay) {
  std::set<int64_t> kept;
  for (int64_t i = 0; i < stay; ++i) {
    const bool low = pattern == "top" || (pattern == "middle" && i < (stay + 1) / 2);
    kept.insert(pattern == "even" ? i * present / stay : low ? i : present - stay + i);
  }
  return kept;
}

int64_t num_layers(const Model& model) { return static_cast<int64_t>(model.architecture.layers.size()); }

// The layers that stay; only for a step without issues.
std::vector<LayerIndex> layers_to_keep(const Model& model, const Settings& settings) {
  const int64_t present = num_layers(model);
  const std::set<int64_t> listed = *listed_layers(settings.text("layers"));
  std::vector<LayerIndex> kept;
  if (listed.empty()) {
    const int64_t gone = std::min(share_of(settings.real("fraction"), present), present - 1);
    for (const int64_t layer : kept_by_pattern(settings.text("pattern"), present, present - gone))
      kept.emplace_back(layer);
  } else {
    for (int64_t layer = 0; layer < present; ++layer) {
      if (!listed.contains(layer)) kept.emplace_back(layer);
    }
  }
  return kept;
}

class LayerPruning final : public Method {
 public:
  LayerPruning() : Method(make_info(), make_settings()) {}

  Needs needs(const Settings& settings) const override {
    const bool trains = wants_retraining(settings);
    return {.labels = trains, .gradients = trains, .retraining = trains};
  }

  std::vector<Issue> check(const Model& model, const Step& step) const override {
    const Settings settings = settings_of(step);
    const int64_t present = num_layers(model);
    if (!step.scope.empty()) {
      return {{"scope",
               "Layers are taken from the whole stack. Clear the scope; the setting \"layers\" names single "
               "ones."}};
    }
    const std::string text = settings.text("layers");
    const std::optional<std::set<int64_t>> listed = listed_layers(text);
    if (!listed) return {{"layers", fmt::format("got \"{}\", wanted {}", text, kListForm)}};
    if (!listed->empty() && *listed->rbegin() >= present) {
      return {{"layers", fmt::format("Layer {} does not exist; the model has {} layers, counted from 0.",
                                     *listed->rbegin(), present)}};
    }
    if (static_cast<int64_t>(listed->size()) == present) {
      return {{"layers", fmt::format("All {} layers are on the list; one has to stay. Take one off it.", present)}};
    }
    return {};
  }

  Model preview(const Model& model, const Step& step) const override {
    const Settings settings = settings_of(step);
    const Model result = keep_layers(model, layers_to_keep(model, settings));
    return wants_retraining(settings) ? preview_retrained(result) : result;
  }

  MethodResult apply(const Model& model, const Step& step, const Resources& resources, uint64_t seed,
                     JobContext& context) const override {
    require_step(*this, model, step, resources);
    context.progress.set_stage("remove layers");
    context.cancel.throw_if_cancelled();
    const Settings settings = settings_of(step);
    const std::vector<LayerIndex> kept = layers_to_keep(model, settings);
    MethodResult result;
    result.model = retrain(keep_layers(model, kept), settings, resources, seed, context, result.report);
    Json removed = Json::array();
    for (int64_t layer = 0; layer < num_layers(model); ++layer) {
      if (std::ranges::find(kept, LayerIndex(layer)) == kept.end()) removed.push_back(layer);
    }
    result.report["layers_before"] = num_layers(model);
    result.report["layers_left"] = kept.size();
    result.report["layers_removed"] = std::move(removed);
    add_size_report(result.report, model, result.model);
    return result;
  }

  Probe probe(const Model& model) const override {
    return {.identity = step_with({{"fraction", 0.0}}),
            .typical = step_with({{"layers", "0"}}),
            .series = {step_with({{"fraction", 0.0}}), step_with({{"layers", "0"}}), step_with({{"fraction", 1.0}})},
            .unmet = step_with({{"layers", std::to_string(num_layers(model))}})};
  }
};

}  // namespace

std::unique_ptr<Method> make_prune_layers() { return std::make_unique<LayerPruning>(); }

}  // namespace espalier
