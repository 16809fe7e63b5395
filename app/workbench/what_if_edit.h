#pragma once
#include <QString>

#include "base/json.h"
#include "model/architecture.h"
#include "widgets/models/recipe_document.h"

namespace espalier {

// What a recipe would do to a model that can be tried at once: its listed heads, units and layers, and the rank or the
// bits that the chosen step gives to one matrix.
struct WhatIfEdit {
  Json parts = Json::array();  // of one edit, as the "whatif" job takes them
  QString text;                // "without 3 heads and layer 5"
};

// `step`: the row of the recipe whose settings are shown; -1 for none. Steps that are switched off count for nothing.
WhatIfEdit whatIfEdit(const RecipeDocument& document, const Architecture& architecture, int step);

}  // namespace espalier
