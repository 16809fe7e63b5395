#pragma once
// The value of a HeadList setting: which heads of which layers, as JSON and as people type it.

#include <QString>

#include <optional>
#include <set>
#include <utility>

#include "base/json.h"

namespace espalier {

using HeadSet = std::set<std::pair<int, int>>;  // (layer, head number in the model as first opened)

// [[layer, head], ...]; anything else in the list is left out.
HeadSet headsFromJson(const Json& json);
Json headsToJson(const HeadSet& heads);

// "0.3, 1.7": layer, dot, head.
QString headsToText(const HeadSet& heads);
// Nothing when the text is not such a list.
std::optional<HeadSet> headsFromText(const QString& text);

}  // namespace espalier
