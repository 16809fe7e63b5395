#include "compress/structured.h"

#include <algorithm>
#include <numeric>

#include "base/json.h"
#include "compress/ranking.h"
#include "compress/retraining.h"
#include "introspect/introspect.h"
#include "train/fine_tune.h"

namespace espalier {
namespace {

using Groups = std::vector<std::vector<LayerIndex>>;
using Positions = std::vector<std::vector<int64_t>>;

// Sharing groups with a layer in scope; none when the scope leaves the part out.
Groups groups_in_scope(const Model& model, const StructuredPlan& plan) {
  const std::string part(to_string(plan.part));
  const Scope& scope = plan.scope;
  if (!scope.parts.empty() && std::ranges::find(scope.parts, part) == scope.parts.end()) return {};
  Groups groups = sharing_groups(model, plan.part);
  if (scope.layers.empty()) return groups;
  std::erase_if(groups, [&](const std::vector<LayerIndex>& group) {
    return std::ranges::none_of(
        group, [&](LayerIndex layer) { return std::ranges::find(scope.layers, layer.value) != scope.layers.end(); });
  });
  return groups;
}

int64_t group_size(const std::vector<int64_t>& counts, const std::vector<LayerIndex>& group) {
  return counts[static_cast<size_t>(group.front().value)];
}

std::string item_name(Part part) { return part == Part::Attention ? "heads" : "units"; }

// How many items are gone after `step` of `steps` rounds, for each group (same_in_layers) or in all (one number).
std::vector<int64_t> targets(const Model& model, const StructuredPlan& plan, int64_t step, int64_t steps) {
  const std::vector<int64_t> counts = item_counts(model, plan.part);
  std::vector<int64_t> sizes;
  for (const auto& group : groups_in_scope(model, plan)) sizes.push_back(group_size(counts, group));
  if (!plan.same_in_layers) sizes = {std::accumulate(sizes.begin(), sizes.end(), int64_t{0})};
  for (int64_t& size : sizes) size = share_of(plan.fraction, size) * step / steps;
  return sizes;
}

// For every layer the positions that stay, when the groups lose `removed`.
Positions kept_of(const Model& model, Part part, const Groups& groups, const Positions& removed) {
  const std::vector<int64_t> counts = item_counts(model, part);
  Positions kept;
  for (const int64_t count : counts) kept.push_back(complement({}, count));
  for (size_t i = 0; i < groups.size(); ++i) {
    for (const LayerIndex layer : groups[i]) {
      const auto index = static_cast<size_t>(layer.value);
      kept[index] = complement(removed[i], counts[index]);
    }
  }
  return kept;
}

// Which positions of every group go: `counts` more, by ascending score.
Positions choose(const std::vector<std::vector<double>>& scores, const StructuredPlan& plan,
                 const std::vector<int64_t>& counts) {
  if (!plan.same_in_layers) return lowest_items(scores, counts.front(), plan.minimum);
  Positions removed;
  for (size_t i = 0; i < scores.size(); ++i) {
    removed.push_back(lowest_items({scores[i]}, counts[i], plan.minimum).front());
  }
  return removed;
}

std::vector<std::vector<double>> scores_of_groups(const Groups& groups,
                                                  const std::vector<std::vector<double>>& scores) {
  std::vector<std::vector<double>> summed;
  for (const std::vector<LayerIndex>& group : groups) {
    std::vector<double> sum(scores[static_cast<size_t>(group.front().value)].size(), 0);
    for (const LayerIndex layer : group) {
      const std::vector<double>& own = scores[static_cast<size_t>(layer.value)];
      for (size_t item = 0; item < sum.size(); ++item) sum[item] += own[item];
    }
    summed.push_back(std::move(sum));
  }
  return summed;
}

ImportanceOptions importance_options(const Settings& settings, const Resources& resources) {
  ImportanceOptions options;
  options.average = settings.text("average") == "token" ? ImportanceAverage::PerToken : ImportanceAverage::PerExample;
  options.normalize_layers = settings.flag("normalize_layers");
  options.max_examples = settings.integer("max_examples");
  options.device = resources.device;
  return options;
}

}  // namespace

std::vector<int64_t> item_counts(const Model& model, Part part) {
  std::vector<int64_t> counts;
  for (const LayerSpec& layer : model.architecture.layers) {
    counts.push_back(part == Part::Attention ? layer.attention.num_heads() : layer.ffn.width);
  }
  return counts;
}

Model keep_positions(const Model& model, Part part, const Positions& kept, Cut cut) {
  if (part == Part::FeedForward) return keep_units(model, kept, cut);
  std::vector<std::vector<HeadIndex>> heads(kept.size());
  for (size_t layer = 0; layer < kept.size(); ++layer) {
    const std::vector<HeadIndex>& present = model.architecture.layers[layer].attention.heads;
    for (const int64_t position : kept[layer]) heads[layer].push_back(present[static_cast<size_t>(position)]);
  }
  return keep_heads(model, heads, cut);
}

std::vector<Issue> check_structured(const Model& model, const StructuredPlan& plan) {
  const std::string items = item_name(plan.part);
  const Groups groups = groups_in_scope(model, plan);
  const std::vector<int64_t> counts = item_counts(model, plan.part);
  const int64_t total = std::accumulate(groups.begin(), groups.end(), int64_t{0}, [&](int64_t sum, const auto& group) {
    return sum + group_size(counts, group);
  });
  if (total == 0) return {{"scope", "The scope holds no " + items + "; widen it to a layer that has some."}};
  int64_t wanted = 0, possible = 0;
  for (const auto& group : groups) {
    const int64_t size = group_size(counts, group);
    const int64_t most = std::max<int64_t>(size - plan.minimum, 0);
    const int64_t own = share_of(plan.fraction, size);
    possible += most;
    wanted += plan.same_in_layers ? own : 0;
    if (plan.same_in_layers && own > most) {
      return {{"fraction", "Layer " + std::to_string(group.front().value) + " would keep " +
                               std::to_string(size - own) + " of " + std::to_string(size) + " " + items +
                               ", wanted at least " + std::to_string(plan.minimum) +
                               ". Lower the fraction or the minimum."}};
    }
  }
  if (!plan.same_in_layers) wanted = share_of(plan.fraction, total);
  if (wanted <= possible) return {};
  return {{"fraction", std::to_string(wanted) + " of " + std::to_string(total) + " " + items +
                           " cannot go: when every layer keeps " + std::to_string(plan.minimum) + ", at most " +
                           std::to_string(possible) + " can. Lower the fraction or the minimum."}};
}

Model preview_structured(const Model& model, const StructuredPlan& plan) {
  const Groups groups = groups_in_scope(model, plan);
  const std::vector<int64_t> counts = item_counts(model, plan.part);
  std::vector<std::vector<double>> scores;
  for (const auto& group : groups) {
    const int64_t size = group_size(counts, group);
    std::vector<double> own;
    for (int64_t item = 0; item < size; ++item) own.push_back(static_cast<double>(item) / static_cast<double>(size));
    scores.push_back(std::move(own));
  }
  const Positions removed = choose(scores, plan, targets(model, plan, 1, 1));
  return keep_positions(model, plan.part, kept_of(model, plan.part, groups, removed), Cut::Shapes);
}

StructuredResult prune_structured(const Model& model, const StructuredPlan& plan, const Settings& settings,
                                  const Resources& resources, uint64_t seed, JobContext& context, Json& report) {
  const int64_t steps = settings.integer("steps");
  const bool retrain_each = settings.flag("retrain_each_step") && wants_retraining(settings);
  const std::string items = item_name(plan.part);
  StructuredResult result;
  result.model = model;
  for (const int64_t count : item_counts(model, plan.part)) result.kept.push_back(complement({}, count));
  const Groups groups = groups_in_scope(model, plan);
  std::vector<int64_t> gone(plan.same_in_layers ? groups.size() : 1, 0);
  Json rounds = Json::array();
  for (int64_t step = 1; step <= steps; ++step) {
    context.cancel.throw_if_cancelled();
    const double begin = static_cast<double>(step - 1) / static_cast<double>(steps);
    JobContext part = context.slice(begin, static_cast<double>(step) / static_cast<double>(steps));
    std::vector<int64_t> now = targets(model, plan, step, steps);
    for (size_t i = 0; i < now.size(); ++i) now[i] -= std::exchange(gone[i], now[i]);
    Json round = {{"round", step}};
    part.progress.set_stage("importance of " + items);
    JobContext ranking = part.slice(0, retrain_each ? 0.2 : 0.9);
    const ImportanceOptions options = importance_options(settings, resources);
    const Importance importance = plan.part == Part::Attention
                                      ? head_importance(result.model, *resources.train, options, ranking)
                                      : unit_importance(result.model, *resources.train, options, ranking);
    round["importance_examples"] = importance.examples;
    const Positions removed = choose(scores_of_groups(groups, importance.scores), plan, now);
    const Positions kept = kept_of(result.model, plan.part, groups, removed);
    result.model = keep_positions(result.model, plan.part, kept, Cut::Values);
    for (size_t layer = 0; layer < kept.size(); ++layer) {
      std::vector<int64_t> left;
      for (const int64_t position : kept[layer]) left.push_back(result.kept[layer][static_cast<size_t>(position)]);
      result.kept[layer] = std::move(left);
    }
    round[items + "_removed"] = std::accumulate(gone.begin(), gone.end(), int64_t{0});
    if (retrain_each || (step == steps && wants_retraining(settings))) {
      JobContext training = part.slice(0.2, 1);
      result.model = retrain(result.model, settings, resources, seed + static_cast<uint64_t>(step), training, round);
    }
    rounds.push_back(std::move(round));
  }
  report["rounds"] = std::move(rounds);
  return result;
}

Needs structured_needs(const Settings& settings, bool ranks) {
  const bool trains = wants_retraining(settings);
  return {.calibration = ranks, .labels = ranks || trains, .gradients = ranks || trains, .retraining = trains};
}

std::vector<Setting> structured_settings(bool normalize_by_default) {
  std::vector<Setting> settings;
  settings.push_back(
      {.key = "average",
       .type = SettingType::Choice,
       .default_value = "example",
       .label = "Importance over",
       .help = "Absolute gradient of the gate of each example (the paper), or of each token (the paper's release).",
       .choices = {{"example", "examples"}, {"token", "tokens"}},
       .level = SettingLevel::Advanced});
  settings.push_back({.key = "normalize_layers",
                      .type = SettingType::Bool,
                      .default_value = normalize_by_default,
                      .label = "Normalize each layer",
                      .help = "Divide the scores of every layer by their l2 norm before layers are compared.",
                      .level = SettingLevel::Advanced});
  settings.push_back({.key = "steps",
                      .type = SettingType::Integer,
                      .default_value = 1,
                      .label = "Rounds",
                      .help = "Remove in this many equal rounds and rank anew before each.",
                      .minimum = 1,
                      .maximum = 100,
                      .step = 1});
  settings.push_back({.key = "max_examples",
                      .type = SettingType::Integer,
                      .default_value = 1000,
                      .label = "Examples for the ranking",
                      .help = "Importance is averaged over this many training examples, the first ones.",
                      .unit = "examples",
                      .minimum = 1,
                      .maximum = 1e9,
                      .step = 100,
                      .level = SettingLevel::Advanced});
  settings.push_back({.key = "retrain_each_step",
                      .type = SettingType::Bool,
                      .default_value = false,
                      .label = "Train after every round",
                      .help = "Fine-tune for the epochs below after every round instead of once at the end.",
                      .level = SettingLevel::Advanced});
  for (Setting& setting : retrain_settings(0)) settings.push_back(std::move(setting));
  return settings;
}

}  // namespace espalier
