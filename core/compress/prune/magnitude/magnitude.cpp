// Removal of the weights of smallest magnitude, then retraining with the mask held. Han, Mao, Dally 2016, "Deep
// Compression", arXiv 1510.00149, section 2. Differs from the paper in that the number of weights to remove is given,
// not a threshold, so that the sparsity is exact; equal magnitudes go in storage order.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/json.h"
#include "compress/hollow.h"
#include "compress/ranking.h"
#include "compress/retraining.h"
#include "compress/weight_leaves.h"
#include "train/fine_tune.h"

namespace espalier {
namespace {

MethodInfo make_info() {
  return {.id = "prune.magnitude",
          .title = "Small weights (Han 2016)",
          .family = "prune",
          .anchors = {"magnitude-pruning", "table1-saliency"},
          .paper = "Han, Mao, Dally 2016, Deep Compression, arXiv 1510.00149",
          .summary = "Sets the weights of smallest magnitude to zero and keeps them there.",
          .hosts = {"encoder", "decoder", "encoder-decoder", "recurrent"}};
}

std::vector<Setting> make_settings() {
  std::vector<Setting> settings;
  settings.push_back({.key = "sparsity",
                      .type = SettingType::Real,
                      .default_value = 0.5,
                      .label = "Sparsity",
                      .help = "Share of the weights in scope that become zero. Zeros of an earlier step count.",
                      .minimum = 0,
                      .maximum = 0.999,
                      .step = 0.05});
  settings.push_back(
      {.key = "granularity",
       .type = SettingType::Choice,
       .default_value = "local",
       .label = "Compare weights",
       .help = "Within each matrix, so that every matrix gets the same sparsity, or over all matrices together.",
       .choices = {{"local", "within each matrix"}, {"global", "over all matrices"}}});
  settings.push_back({.key = "embeddings",
                      .type = SettingType::Bool,
                      .default_value = false,
                      .label = "Embeddings too",
                      .help = "Prune the embedding tables as well as the linears.",
                      .level = SettingLevel::Advanced});
  settings.push_back({.key = "rounds",
                      .type = SettingType::Integer,
                      .default_value = 1,
                      .label = "Rounds",
                      .help = "Prune and train this many times; each round removes the same share of what is left.",
                      .minimum = 1,
                      .maximum = 50,
                      .step = 1});
  for (Setting& setting : retrain_settings(0)) settings.push_back(std::move(setting));
  return settings;
}

std::vector<SlotKind> kinds_of(const Settings& settings) {
  if (settings.flag("embeddings")) return {SlotKind::Linear, SlotKind::Embedding};
  return {SlotKind::Linear};
}

// A matrix that is pruned: magnitudes in storage order, -1 where a mask already holds a zero.
struct Candidate {
  Tensor values;  // float32
  std::vector<float> magnitudes;
};

Candidate candidate_of(const Weight& leaf) {
  Candidate candidate;
  candidate.values = materialize(leaf);
  candidate.magnitudes.reserve(static_cast<size_t>(candidate.values.numel()));
  for (const float value : candidate.values.values<float>()) {
    // A NaN is kept: no magnitude is comparable to it, and zero would hide it.
    candidate.magnitudes.push_back(std::isnan(value) ? std::numeric_limits<float>::infinity() : std::abs(value));
  }
  if (const Masked* masked = leaf.as<Masked>()) {
    const std::vector<bool> keep = keep_flags(*masked);
    for (size_t i = 0; i < keep.size(); ++i) {
      if (!keep[i]) candidate.magnitudes[i] = -1;
    }
  }
  return candidate;
}

// Marks as false the `count` smallest magnitudes of all candidates together; ties by order of candidates, then storage.
std::vector<std::vector<bool>> keep_largest(const std::vector<Candidate>& candidates, int64_t count) {
  std::vector<float> pooled;
  std::vector<std::vector<bool>> keep;
  for (const Candidate& candidate : candidates) {
    pooled.insert(pooled.end(), candidate.magnitudes.begin(), candidate.magnitudes.end());
    keep.emplace_back(candidate.magnitudes.size(), true);
  }
  if (count <= 0) return keep;
  const auto nth = pooled.begin() + (count - 1);
  std::nth_element(pooled.begin(), nth, pooled.end());
  const float threshold = *nth;
  int64_t ties = count - std::count_if(pooled.begin(), nth, [&](float value) { return value < threshold; });
  for (size_t i = 0; i < candidates.size(); ++i) {
    const std::vector<float>& magnitudes = candidates[i].magnitudes;
    for (size_t j = 0; j < magnitudes.size(); ++j) {
      const bool removed = magnitudes[j] < threshold || (magnitudes[j] == threshold && ties-- > 0);
      keep[i][j] = !removed;
    }
  }
  return keep;
}

// Number of elements of every leaf of every slot, in the order in which rewrite_leaves visits them.
std::vector<int64_t> leaf_sizes(const Model& model, const std::vector<std::string>& slots) {
  std::vector<int64_t> sizes;
  for (const std::string& slot : slots) {
    rewrite_leaves(share(model.weights.at(slot)), [&](const WeightPtr& leaf) {
      sizes.push_back(num_elements(shape_of(*leaf)));
      return leaf;
    });
  }
  return sizes;
}

// How many go of every leaf (local) or of all together (global, one number).
std::vector<int64_t> removal_counts(std::vector<int64_t> sizes, double sparsity, bool global) {
  if (global) sizes = {std::accumulate(sizes.begin(), sizes.end(), int64_t{0})};
  for (int64_t& size : sizes) size = share_of(sparsity, size);
  return sizes;
}

// Puts masks on the leaves of all slots. Leaves that lose nothing stay as they are.
Model prune_once(const Model& model, const std::vector<std::string>& slots, double sparsity, bool global,
                 const JobContext& context) {
  std::vector<Candidate> candidates;
  for (const std::string& slot : slots) {
    context.cancel.throw_if_cancelled();
    rewrite_leaves(share(model.weights.at(slot)), [&](const WeightPtr& leaf) {
      candidates.push_back(candidate_of(*leaf));
      return leaf;
    });
  }
  const std::vector<int64_t> counts = removal_counts(leaf_sizes(model, slots), sparsity, global);
  std::vector<std::vector<bool>> keep;
  if (global) {
    keep = keep_largest(candidates, counts.front());
  } else {
    for (size_t i = 0; i < candidates.size(); ++i) keep.push_back(keep_largest({candidates[i]}, counts[i]).front());
  }
  Model pruned = model;
  size_t next = 0;
  for (const std::string& slot : slots) {
    context.cancel.throw_if_cancelled();
    const WeightPtr rewritten = rewrite_leaves(share(model.weights.at(slot)), [&](const WeightPtr& leaf) {
      const size_t i = next++;
      if (std::ranges::find(keep[i], false) == keep[i].end()) return leaf;
      return share(make_masked(candidates[i].values, keep[i]));
    });
    pruned.weights.replace(slot, *rewritten);
  }
  return pruned;
}

class MagnitudePruning final : public Method {
 public:
  MagnitudePruning() : Method(make_info(), make_settings()) {}

  Needs needs(const Settings& settings) const override {
    const bool trains = wants_retraining(settings);
    return {.labels = trains, .gradients = trains, .retraining = trains};
  }

  std::vector<Issue> check(const Model& model, const Step& step) const override {
    const std::vector<std::string> slots = weights_in_scope(model, step.scope, kinds_of(settings_of(step)));
    if (slots.empty()) return {{"scope", "The scope holds no matrix to prune; widen it to a part with linears."}};
    for (const std::string& slot : slots) {
      if (!is_frozen(model.weights.at(slot))) continue;
      return {{"scope", "\"" + slot + "\" is integer codes of an earlier step. Prune before the step that quantizes."}};
    }
    return {};
  }

  Model preview(const Model& model, const Step& step) const override {
    const Settings settings = settings_of(step);
    const std::vector<std::string> slots = weights_in_scope(model, step.scope, kinds_of(settings));
    const double sparsity = settings.real("sparsity");
    Model result = model;
    for (const std::string& slot : slots) {
      const WeightPtr rewritten = rewrite_leaves(share(model.weights.at(slot)), [&](const WeightPtr& leaf) {
        const Shape shape = shape_of(*leaf);
        const int64_t kept = num_elements(shape) - share_of(sparsity, num_elements(shape));
        return kept >= num_parameters(*leaf) ? leaf : share(hollow_masked(shape, kept));
      });
      result.weights.replace(slot, *rewritten);
    }
    return wants_retraining(settings) ? preview_retrained(result) : result;
  }

  MethodResult apply(const Model& model, const Step& step, const Resources& resources, uint64_t seed,
                     JobContext& context) const override {
    require_step(*this, model, step, resources);
    context.cancel.throw_if_cancelled();
    const Settings settings = settings_of(step);
    const std::vector<std::string> slots = weights_in_scope(model, step.scope, kinds_of(settings));
    const double sparsity = settings.real("sparsity");
    const bool global = settings.text("granularity") == "global";
    // Without training the rounds would only repeat one ranking.
    const int64_t rounds = wants_retraining(settings) ? settings.integer("rounds") : 1;
    MethodResult result;
    result.model = model;
    Json listed = Json::array();
    for (int64_t round = 1; round <= rounds; ++round) {
      const double share_now = static_cast<double>(round) / static_cast<double>(rounds);
      // The exact sparsity at the end, not what rounding of a power leaves of it.
      const double now = round == rounds ? sparsity : 1 - std::pow(1 - sparsity, share_now);
      JobContext part = context.slice(static_cast<double>(round - 1) / static_cast<double>(rounds), share_now);
      part.progress.set_stage("prune " + std::to_string(round) + "/" + std::to_string(rounds));
      result.model = prune_once(result.model, slots, now, global, part);
      Json entry = {{"round", round}, {"sparsity_requested_frac", now}};
      result.model = retrain(result.model, settings, resources, seed + static_cast<uint64_t>(round - 1), part, entry);
      listed.push_back(std::move(entry));
    }
    result.report["rounds"] = std::move(listed);
    report_sparsity(result.model, slots, result.report);
    add_size_report(result.report, model, result.model);
    return result;
  }

  Probe probe(const Model&) const override {
    return {.identity = step_with({{"sparsity", 0.0}}),
            .typical = step_with({{"sparsity", 0.5}, {"granularity", "global"}}),
            .series = {step_with({{"sparsity", 0.5}}), step_with({{"sparsity", 0.7}}), step_with({{"sparsity", 0.9}})},
            .unmet = step_with({{"sparsity", 0.5}, {"epochs", 1.0}})};
  }

  std::optional<Model> masked_form(const Model&, const MethodResult& result) const override {
    return materialized(result.model);
  }

 private:
  static void report_sparsity(const Model& model, const std::vector<std::string>& slots, Json& report) {
    Json matrices = Json::array();
    double zeros = 0, total = 0;
    for (const std::string& slot : slots) {
      const WeightPtr weight = share(model.weights.at(slot));
      double own_zeros = 0, own_total = 0;
      rewrite_leaves(weight, [&](const WeightPtr& leaf) {
        const auto size = static_cast<double>(num_elements(shape_of(*leaf)));
        own_zeros += sparsity_of(*leaf) * size;
        own_total += size;
        return leaf;
      });
      matrices.push_back({{"slot", slot}, {"sparsity_frac", own_zeros / own_total}});
      zeros += own_zeros;
      total += own_total;
    }
    report["sparsity_frac"] = zeros / total;
    report["matrices"] = std::move(matrices);
  }
};

}  // namespace

std::unique_ptr<Method> make_prune_magnitude() { return std::make_unique<MagnitudePruning>(); }

}  // namespace espalier
