#pragma once
// What removal of attention heads and of feed-forward units have in common: rank by gate gradient, remove a share,
// perhaps train, repeat.

#include <vector>

#include "compress/method.h"
#include "compress/surgery.h"

namespace espalier {

// What to remove. An item is a head (Part::Attention) or a unit (Part::FeedForward); layers that share the block lose
// the same items, which count once.
struct StructuredPlan {
  Part part = Part::Attention;
  Scope scope;
  double fraction = 0;          // of the items in scope
  int64_t minimum = 1;          // items that every layer keeps
  bool same_in_layers = false;  // the fraction of every layer, instead of the least important of all layers together
};

struct StructuredResult {
  Model model;
  std::vector<std::vector<int64_t>> kept;  // for each layer, positions of the input's items that are left
};

// Issues of a fraction that the minimum does not allow, or of a scope without any item.
std::vector<Issue> check_structured(const Model& model, const StructuredPlan& plan);

// A model of the right sizes; which layers lose most is not known before the ranking, so they lose alike.
Model preview_structured(const Model& model, const StructuredPlan& plan);

// Reads the settings of structured_settings and of retraining. Writes "rounds" (importance, items removed) into report.
StructuredResult prune_structured(const Model& model, const StructuredPlan& plan, const Settings& settings,
                                  const Resources& resources, uint64_t seed, JobContext& context, Json& report);

// Needs by those settings. `ranks`: the items to remove are found by their importance.
Needs structured_needs(const Settings& settings, bool ranks);

// "average", "normalize_layers", "steps", "max_examples", "retrain_each_step" and those of retraining, none by default.
std::vector<Setting> structured_settings(bool normalize_by_default);

// Items of every layer.
std::vector<int64_t> item_counts(const Model& model, Part part);
// The model with the items at these positions of every layer.
Model keep_positions(const Model& model, Part part, const std::vector<std::vector<int64_t>>& kept, Cut cut);

}  // namespace espalier
