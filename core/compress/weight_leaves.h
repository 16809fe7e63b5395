#pragma once
// What a method that rewrites weights one by one visits.

#include <functional>
#include <string>
#include <vector>

#include "model/model.h"
#include "recipe/recipe.h"

namespace espalier {

// Every weight of the given kinds that a scope selects, once, by its first selected slot in the order of the forward
// pass. A weight shared with slots outside the scope is selected too: it is one weight. The task head is left out
// unless the scope names it.
std::vector<std::string> weights_in_scope(const Model& model, const Scope& scope, const std::vector<SlotKind>& kinds);

// The weight with every matrix that it is made of (itself, or the factors of a low-rank weight, left first) given
// through `rewrite`. A leaf for which `rewrite` gives an equal pointer stays as it is.
WeightPtr rewrite_leaves(const WeightPtr& weight, const std::function<WeightPtr(const WeightPtr& leaf)>& rewrite);

// True when any leaf is integer codes.
bool is_frozen(const Weight& weight);

}  // namespace espalier
