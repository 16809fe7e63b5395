#pragma once
// The values of settings that list heads or feed-forward units by layer, or layers: as JSON and as people type them.

#include <QString>

#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/json_fwd.h"

namespace espalier {

// (layer, head number in the model as first opened), or (layer, unit by position)
using HeadSet = std::set<std::pair<int, int>>;

// [[layer, head], ...]; anything else in the list is left out.
HeadSet headsFromJson(const Json& json);
Json headsToJson(const HeadSet& heads);

// "0.3, 1.7, 2.0-4": layer, dot, number; three numbers or more in a row by their ends.
QString headsToText(const HeadSet& heads);
// Nothing when the text is not such a list.
std::optional<HeadSet> headsFromText(const QString& text);

// "0-2, 5" as {0, 1, 2, 5}; nothing when it is no such list. Empty text is an empty list.
std::optional<std::vector<int32_t>> layersFromText(const QString& text);
QString layersToText(const std::vector<int32_t>& layers);

}  // namespace espalier
