#include "introspect/criteria.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "base/error.h"
#include "base/rng.h"
#include "introspect/gates.h"
#include "introspect/introspect.h"
#include "network/torch_errors.h"

namespace espalier {
namespace {

constexpr std::array<std::pair<Criterion, std::string_view>, 10> kNames = {{{Criterion::Michel, "michel"},
                                                                            {Criterion::Taylor, "taylor"},
                                                                            {Criterion::Ablation, "ablation"},
                                                                            {Criterion::Voita, "voita"},
                                                                            {Criterion::Confidence, "confidence"},
                                                                            {Criterion::Entropy, "entropy"},
                                                                            {Criterion::Influence, "influence"},
                                                                            {Criterion::Activation, "activation"},
                                                                            {Criterion::Magnitude, "magnitude"},
                                                                            {Criterion::Random, "random"}}};

LayerScores random_scores(const std::vector<int64_t>& counts, uint64_t seed) {
  Rng rng = Rng(seed).fork("random importance");
  LayerScores scores;
  for (const int64_t count : counts) {
    scores.emplace_back();
    for (int64_t i = 0; i < count; ++i) scores.back().push_back(rng.uniform());
  }
  return scores;
}

// Norms of the rows of in_proj times those of the columns of out_proj.
LayerScores magnitude_scores(const Model& model, const CancelToken& cancel) {
  LayerScores scores;
  for (size_t layer = 0; layer < model.architecture.layers.size(); ++layer) {
    cancel.throw_if_cancelled();
    const LayerIndex index(static_cast<int32_t>(layer));
    const auto norms = [&](const char* module, int64_t axis) {
      return to_torch(materialize(model.weight(layer_slot(index, module, "weight"))))
          .to(at::kDouble)
          .pow(2)
          .sum(axis)
          .sqrt();
    };
    const at::Tensor product = (norms("ffn.in_proj", 1) * norms("ffn.out_proj", 0)).contiguous();
    scores.emplace_back(product.data_ptr<double>(), product.data_ptr<double>() + product.numel());
  }
  return scores;
}

LayerScores token_scores(const Model& model, const EncodedDataset& data, Prunable prunable,
                         const CriterionOptions& options, JobContext& context) {
  ImportanceOptions importance;
  importance.average = ImportanceAverage::PerToken;
  importance.max_examples = std::ssize(data.examples);
  importance.batch_size = options.batch_size;
  importance.device = options.device;
  return (prunable == Prunable::Heads ? head_importance : unit_importance)(model, data, importance, context).scores;
}

}  // namespace

std::string_view to_string(Prunable prunable) {
  return prunable == Prunable::Heads ? "heads" : prunable == Prunable::Units ? "units" : "layers";
}

Prunable prunable_from(std::string_view name) {
  for (const Prunable prunable : {Prunable::Heads, Prunable::Units, Prunable::Layers}) {
    if (to_string(prunable) == name) return prunable;
  }
  throw Error(ErrorKind::InvalidInput, {.what = "importance is of heads, units or layers",
                                        .where = {},
                                        .got = std::string(name),
                                        .wanted = "heads, units or layers",
                                        .next = {}});
}

std::string_view to_string(Criterion criterion) {
  return std::ranges::find(kNames, criterion, &std::pair<Criterion, std::string_view>::first)->second;
}

std::vector<Criterion> criteria_of(Prunable prunable) {
  std::vector<Criterion> criteria = {Criterion::Michel, Criterion::Taylor, Criterion::Ablation, Criterion::Voita};
  if (prunable == Prunable::Heads) criteria.insert(criteria.end(), {Criterion::Confidence, Criterion::Entropy});
  if (prunable == Prunable::Units) criteria.insert(criteria.end(), {Criterion::Activation, Criterion::Magnitude});
  if (prunable == Prunable::Layers) criteria.push_back(Criterion::Influence);
  criteria.push_back(Criterion::Random);
  return criteria;
}

std::vector<Criterion> default_criteria(Prunable prunable) {
  std::vector<Criterion> criteria = criteria_of(prunable);
  if (prunable == Prunable::Units) std::erase(criteria, Criterion::Ablation);
  return criteria;
}

Criterion criterion_from(std::string_view name, Prunable prunable) {
  std::string known;
  for (const Criterion criterion : criteria_of(prunable)) {
    if (to_string(criterion) == name) return criterion;
    known += (known.empty() ? "" : ", ") + std::string(to_string(criterion));
  }
  throw Error(ErrorKind::InvalidInput, {.what = std::string(to_string(prunable)) + " have no such criterion",
                                        .where = {},
                                        .got = std::string(name),
                                        .wanted = known,
                                        .next = {}});
}

CriterionScores score_items(const Model& model, const EncodedDataset& data, Prunable prunable, Criterion criterion,
                            const CriterionOptions& options, JobContext& context) {
  return with_torch_errors("importance by " + std::string(to_string(criterion)), [&] {
    require_loss(model.architecture);
    const auto begin = std::chrono::steady_clock::now();
    CriterionScores result{.criterion = criterion, .scores = {}};
    switch (criterion) {
      case Criterion::Michel:
        if (options.michel_per_token && prunable != Prunable::Layers) {
          result.scores = token_scores(model, data, prunable, options, context);
          break;
        }
        result.scores = gradient_scores(model, data, prunable, false, options, context);
        // One layer has one score, whose norm says nothing.
        if (prunable != Prunable::Layers) normalize_layers(result.scores);
        break;
      case Criterion::Taylor:
        result.scores = gradient_scores(model, data, prunable, true, options, context);
        break;
      case Criterion::Ablation:
        result.scores = ablation_scores(model, data, prunable, options, context);
        break;
      case Criterion::Voita:
        result.scores = learnt_gate_scores(model, data, prunable, options, context);
        break;
      case Criterion::Magnitude:
        result.scores = magnitude_scores(model, context.cancel);
        break;
      case Criterion::Random:
        result.scores = random_scores(gate_counts(model.architecture, prunable), options.seed);
        break;
      case Criterion::Confidence:
      case Criterion::Entropy:
      case Criterion::Influence:
      case Criterion::Activation:
        result.scores = activity_scores(model, data, criterion, options, context);
    }
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return result;
  });
}

std::vector<PrunableItem> removal_order(const LayerScores& scores) {
  std::vector<PrunableItem> order;
  for (size_t layer = 0; layer < scores.size(); ++layer) {
    for (size_t i = 0; i < scores[layer].size(); ++i) {
      order.push_back({static_cast<int32_t>(layer), static_cast<int32_t>(i)});
    }
  }
  const auto score = [&](const PrunableItem& item) {
    return scores[static_cast<size_t>(item.layer)][static_cast<size_t>(item.index)];
  };
  std::ranges::stable_sort(order, {}, score);
  return order;
}

}  // namespace espalier
