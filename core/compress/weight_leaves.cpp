#include "compress/weight_leaves.h"

#include <algorithm>
#include <set>

#include "compress/method.h"

namespace espalier {

std::vector<std::string> weights_in_scope(const Model& model, const Scope& scope, const std::vector<SlotKind>& kinds) {
  const bool names_head =
      !scope.slots.empty() || std::ranges::find(scope.parts, std::string(to_string(Part::Head))) != scope.parts.end();
  std::vector<std::string> selected;
  std::set<WeightHandle> seen;
  for (const Slot& slot : slots_in_scope(model.architecture, scope, kinds)) {
    if (slot.part == Part::Head && !names_head) continue;
    if (seen.insert(model.weights.handle(slot.name)).second) selected.push_back(slot.name);
  }
  return selected;
}

WeightPtr rewrite_leaves(const WeightPtr& weight, const std::function<WeightPtr(const WeightPtr& leaf)>& rewrite) {
  const LowRank* factors = weight->as<LowRank>();
  if (factors == nullptr) return rewrite(weight);
  WeightPtr left = rewrite_leaves(factors->left, rewrite);
  WeightPtr right = rewrite_leaves(factors->right, rewrite);
  if (left == factors->left && right == factors->right) return weight;
  return share(LowRank{std::move(left), std::move(right)});
}

bool is_frozen(const Weight& weight) {
  if (weight.as<Quantized>() != nullptr) return true;
  const LowRank* factors = weight.as<LowRank>();
  return factors != nullptr && (is_frozen(*factors->left) || is_frozen(*factors->right));
}

}  // namespace espalier
