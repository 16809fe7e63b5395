#pragma once
// Heads or feed-forward units that a setting of type HeadList names: what is wrong with the list, what stays without
// them.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "compress/method.h"

namespace espalier {

// Numbers by layer. A head has the number of the model as first opened, a unit its position in the layer as it is.
using ListedItems = std::map<int64_t, std::set<int64_t>>;

// `pairs`: [[layer, number], ...], as check_settings accepts it.
ListedItems listed_items(const Json& pairs);

// Issues of `key`: a layer or an item that does not exist, or a layer left with fewer than `minimum`. `part` is
// Attention or FeedForward.
std::vector<Issue> check_listed(const Model& model, Part part, const std::string& key, const ListedItems& listed,
                                int64_t minimum);

// For every layer the positions of the items that stay; what layers share goes in all of them. Only for a list without
// issues.
std::vector<std::vector<int64_t>> kept_without(const Model& model, Part part, const ListedItems& listed);

}  // namespace espalier
