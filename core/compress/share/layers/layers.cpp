// M layers' parameters for N layers. Takase, Kiyono 2021, "Lessons on Parameter Sharing across Layers in Transformers",
// arXiv 2104.06022: sequence, cycle and cycle (rev). Lan 2020, "ALBERT", arXiv 1909.11942: sharing only attention or
// only the feed-forward. The papers train from scratch; here the layers of a trained model are averaged, then
// fine-tuned.

#include "compress/share/layers/assignment.h"

#include <algorithm>
#include <map>
#include <set>

#include "compress/hollow.h"
#include "compress/method.h"
#include "compress/retraining.h"
#include "compress/surgery.h"
#include "train/fine_tune.h"

namespace espalier {
namespace {

MethodInfo make_info() {
  return {.id = "share.layers",
          .title = "Shared layers (Takase, Kiyono 2021)",
          .family = "share",
          .anchors = {"takase-kiyono", "albert-sharing"},
          .paper = "Takase, Kiyono 2021, Lessons on Parameter Sharing across Layers in Transformers, arXiv 2104.06022",
          .summary = "Lets several layers use one set of weights.",
          .hosts = {"encoder", "decoder"}};
}

std::vector<Setting> make_settings() {
  std::vector<Setting> settings;
  settings.push_back(
      {.key = "unique_layers",
       .type = SettingType::Integer,
       .default_value = 0,
       .label = "Different layers",
       .help = "How many sets of weights are left. 0 stands for half of the layers, rounded up; all layers shares "
               "nothing.",
       .unit = "layers",
       .minimum = 0,
       .maximum = 1000,
       .step = 1});
  settings.push_back(
      {.key = "pattern",
       .type = SettingType::Choice,
       .default_value = "sequence",
       .label = "Pattern",
       .help = "Which layers share: neighbours (112233), every M-th (123123), or every M-th with the last ones in "
               "reverse (123321).",
       .choices = {{"sequence", "sequence 112233"}, {"cycle", "cycle 123123"}, {"cycle_rev", "cycle (rev) 123321"}}});
  settings.push_back({.key = "parts",
                      .type = SettingType::Choice,
                      .default_value = "all",
                      .label = "Share",
                      .help = "Whole layers, or only their attention or feed-forward block with its norm.",
                      .choices = {{"all", "whole layers"}, {"attention", "attention"}, {"ffn", "feed-forward"}},
                      .level = SettingLevel::Advanced});
  settings.push_back({.key = "init",
                      .type = SettingType::Choice,
                      .default_value = "average",
                      .label = "Start from",
                      .help = "The average of the layers that share, or the first of them.",
                      .choices = {{"average", "their average"}, {"first", "the first of them"}},
                      .level = SettingLevel::Advanced});
  for (Setting& setting : retrain_settings(1)) settings.push_back(std::move(setting));
  return settings;
}

int64_t unique_layers(const Model& model, const Settings& settings) {
  const auto present = static_cast<int64_t>(model.architecture.layers.size());
  const int64_t wanted = settings.integer("unique_layers");
  return wanted == 0 ? (present + 1) / 2 : wanted;
}

// Layers of each group, by the layer sets of the assignment.
std::vector<std::vector<LayerIndex>> groups_of(const Model& model, const Settings& settings) {
  const auto present = static_cast<int64_t>(model.architecture.layers.size());
  const std::vector<int64_t> assignment =
      layer_assignment(settings.text("pattern"), present, unique_layers(model, settings));
  std::map<int64_t, std::vector<LayerIndex>> groups;
  for (int64_t layer = 0; layer < present; ++layer) groups[assignment[static_cast<size_t>(layer)]].emplace_back(layer);
  std::vector<std::vector<LayerIndex>> listed;
  for (auto& [set, layers] : groups) listed.push_back(std::move(layers));
  return listed;
}

// Slots of a layer that the step shares, without the layer's prefix.
std::vector<std::string> shared_paths(const Model& model, LayerIndex layer, const std::string& parts) {
  std::vector<std::string> paths;
  const std::string prefix = module_of(layer, "");
  for (const Slot& slot : slots_of(model.architecture)) {
    if (slot.layer != layer) continue;
    if (parts == "attention" && slot.part != Part::Attention) continue;
    if (parts == "ffn" && slot.part != Part::FeedForward) continue;
    paths.push_back(slot.name.substr(prefix.size()));
  }
  return paths;
}

// The one weight that stands for several: the very weight when all are equal, else the mean of their values in double
// precision. Zeros that every mask holds stay masked. Stored as the element type of the first.
Weight average(const std::vector<const Weight*>& weights) {
  const Weight& first = *weights.front();
  if (std::ranges::all_of(weights, [&](const Weight* other) { return bit_equal(first, *other); })) return first;
  std::vector<double> sum(static_cast<size_t>(num_elements(shape_of(first))), 0);
  std::vector<bool> keep(sum.size(), false);
  for (const Weight* weight : weights) {
    const Tensor values = materialize(*weight);
    const Masked* masked = weight->as<Masked>();
    const std::vector<bool> own = masked == nullptr ? std::vector<bool>(sum.size(), true) : keep_flags(*masked);
    const auto span = values.values<float>();
    for (size_t i = 0; i < sum.size(); ++i) {
      sum[i] += span[i];
      if (own[i]) keep[i] = true;
    }
  }
  std::vector<float> mean(sum.size());
  for (size_t i = 0; i < sum.size(); ++i) mean[i] = static_cast<float>(sum[i] / static_cast<double>(weights.size()));
  const Tensor values = Tensor::from<float>(shape_of(first), std::move(mean));
  if (std::ranges::find(keep, false) != keep.end()) return make_masked(values, keep);
  const Dense* dense = first.as<Dense>();
  return Dense{dense == nullptr ? values : values.to(dense->values.dtype())};
}

enum class Fill { Average, First, Shapes };

Model shared_model(const Model& model, const Settings& settings, Fill fill, const CancelToken& cancel) {
  Model result = model;
  for (const std::vector<LayerIndex>& group : groups_of(model, settings)) {
    if (group.size() < 2) continue;
    for (const std::string& path : shared_paths(model, group.front(), settings.text("parts"))) {
      cancel.throw_if_cancelled();
      const std::string first = module_of(group.front(), path);
      // A handle that the group already shares needs nothing; others of the group's layers are bound to a new one.
      const auto same = [&](LayerIndex layer) {
        return model.weights.handle(module_of(layer, path)) == model.weights.handle(first);
      };
      if (std::ranges::all_of(group, same)) continue;
      std::vector<const Weight*> weights;
      for (const LayerIndex layer : group) weights.push_back(&model.weights.at(module_of(layer, path)));
      result.weights.add(first, fill == Fill::Average ? average(weights) : *weights.front());
      for (const LayerIndex layer : group) {
        if (layer != group.front()) result.weights.share(module_of(layer, path), first);
      }
    }
  }
  return result;
}

class LayerSharing final : public Method {
 public:
  LayerSharing() : Method(make_info(), make_settings()) {}

  Needs needs(const Settings& settings) const override {
    const bool trains = wants_retraining(settings);
    return {.labels = trains, .gradients = trains, .retraining = trains};
  }

  std::vector<Issue> check(const Model& model, const Step& step) const override {
    const Settings settings = settings_of(step);
    const auto present = static_cast<int64_t>(model.architecture.layers.size());
    const int64_t unique = unique_layers(model, settings);
    if (unique > present) {
      return {{"unique_layers", std::to_string(unique) + " different layers are wanted and the model has " +
                                    std::to_string(present) + " layers."}};
    }
    if (!step.scope.empty()) {
      return {{"scope",
               "Sharing works on the whole stack. Clear the scope; the setting \"parts\" chooses attention or "
               "feed-forward."}};
    }
    return check_alike(model, settings);
  }

  Model preview(const Model& model, const Step& step) const override {
    const Settings settings = settings_of(step);
    Model result = shared_model(model, settings, Fill::Shapes, {});
    return wants_retraining(settings) ? preview_retrained(result) : result;
  }

  MethodResult apply(const Model& model, const Step& step, const Resources& resources, uint64_t seed,
                     JobContext& context) const override {
    require_step(*this, model, step, resources);
    context.cancel.throw_if_cancelled();
    context.progress.set_stage("share layers");
    const Settings settings = settings_of(step);
    const Fill fill = settings.text("init") == "average" ? Fill::Average : Fill::First;
    MethodResult result;
    result.model = shared_model(model, settings, fill, context.cancel);
    result.model = retrain(result.model, settings, resources, seed, context, result.report);
    const auto present = static_cast<int64_t>(model.architecture.layers.size());
    result.report["assignment"] = layer_assignment(settings.text("pattern"), present, unique_layers(model, settings));
    result.report["unique_layers"] = unique_layers(model, settings);
    add_size_report(result.report, model, result.model);
    return result;
  }

  Probe probe(const Model& model) const override {
    const auto present = static_cast<int64_t>(model.architecture.layers.size());
    return {.identity = step_with({{"unique_layers", present}, {"epochs", 0.0}}),
            .typical = step_with({{"epochs", 1.0}}),
            .series = {step_with({{"unique_layers", present}, {"epochs", 0.0}}), step_with({{"epochs", 0.0}}),
                       step_with({{"unique_layers", 1}, {"epochs", 0.0}})},
            .unmet = step_with({{"unique_layers", present + 1}})};
  }

  // Nothing is removed from the computation: every layer with a copy of its own computes the same.
  std::optional<Model> masked_form(const Model&, const MethodResult& result) const override {
    Model unshared = result.model;
    for (const std::string& slot : result.model.weights.slots())
      unshared.weights.add(slot, result.model.weights.at(slot));
    return unshared;
  }

 private:
  // Layers of a group must have the same heads, widths and forms that an average exists for.
  static std::vector<Issue> check_alike(const Model& model, const Settings& settings) {
    const std::string parts = settings.text("parts");
    for (const std::vector<LayerIndex>& group : groups_of(model, settings)) {
      const LayerSpec& first = model.architecture.layers[static_cast<size_t>(group.front().value)];
      for (const LayerIndex layer : group) {
        const LayerSpec& other = model.architecture.layers[static_cast<size_t>(layer.value)];
        const std::string pair =
            "Layers " + std::to_string(group.front().value) + " and " + std::to_string(layer.value);
        if (parts != "ffn" && other.attention != first.attention) {
          return {{"pattern", pair +
                                  " have different heads and cannot share. Share first and remove heads afterwards, or "
                                  "share the feed-forward only."}};
        }
        if (parts != "attention" && other.ffn != first.ffn) {
          return {{"pattern", pair + " have feed-forward widths " + std::to_string(first.ffn.width) + " and " +
                                  std::to_string(other.ffn.width) +
                                  " and cannot share. Share first, or share attention only."}};
        }
        if (other.norm != first.norm) return {{"pattern", pair + " place their norms differently and cannot share."}};
        if (other.stacked != first.stacked || other.bottleneck != first.bottleneck) {
          return {
              {"pattern", pair + " have different bottlenecks or numbers of feed-forward blocks and cannot share."}};
        }
        for (const std::string& path : shared_paths(model, group.front(), parts)) {
          const std::string a = module_of(group.front(), path), b = module_of(layer, path);
          if (model.weights.handle(a) == model.weights.handle(b)) continue;
          if (has_average(model.weights.at(a)) && has_average(model.weights.at(b))) continue;
          return {{"pattern", "\"" + b + "\" is " + describe(model.weights.at(b)) +
                                  ", of which no average exists. Share layers before factorizing or quantizing."}};
        }
      }
    }
    return {};
  }

  static bool has_average(const Weight& weight) {
    return weight.as<Dense>() != nullptr || weight.as<Masked>() != nullptr;
  }
};

}  // namespace

std::unique_ptr<Method> make_share_layers() { return std::make_unique<LayerSharing>(); }

}  // namespace espalier
