#include "compress/listed_items.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "compress/surgery.h"

namespace espalier {
namespace {

// The numbers of a layer's items, by position.
std::vector<int64_t> numbers_of(const LayerSpec& layer, Part part) {
  std::vector<int64_t> numbers;
  if (part == Part::Attention) {
    for (const HeadIndex head : layer.attention.heads) numbers.push_back(head.value);
  } else {
    for (int64_t unit = 0; unit < layer.ffn.width; ++unit) numbers.push_back(unit);
  }
  return numbers;
}

// Thousands of units would be a long text: runs are written by their ends.
std::string text_of(const std::vector<int64_t>& numbers) {
  if (numbers.empty()) return "none";
  std::string text;
  for (size_t begin = 0, end = 0; begin < numbers.size(); begin = end) {
    while (end < numbers.size() && numbers[end] - numbers[begin] == static_cast<int64_t>(end - begin)) ++end;
    text += text.empty() ? "" : ", ";
    text += begin + 1 == end ? std::to_string(numbers[begin]) : fmt::format("{}-{}", numbers[begin], numbers[end - 1]);
  }
  return text;
}

std::set<int64_t> listed_in(const std::vector<LayerIndex>& group, const ListedItems& listed) {
  std::set<int64_t> gone;
  for (const LayerIndex layer : group) {
    const auto found = listed.find(layer.value);
    if (found != listed.end()) gone.insert(found->second.begin(), found->second.end());
  }
  return gone;
}

}  // namespace

ListedItems listed_items(const Json& pairs) {
  ListedItems listed;
  for (const Json& pair : pairs) listed[pair.at(0).get<int64_t>()].insert(pair.at(1).get<int64_t>());
  return listed;
}

std::vector<Issue> check_listed(const Model& model, Part part, const std::string& key, const ListedItems& listed,
                                int64_t minimum) {
  const std::string item = part == Part::Attention ? "head" : "unit";
  const auto& layers = model.architecture.layers;
  std::vector<Issue> issues;
  for (const auto& [layer, numbers] : listed) {
    if (layer < 0 || layer >= static_cast<int64_t>(layers.size())) {
      issues.push_back({key, fmt::format("Layer {} does not exist; the model has {} layers, counted from 0.", layer,
                                         layers.size())});
      continue;
    }
    std::vector<int64_t> present = numbers_of(layers[static_cast<size_t>(layer)], part);
    std::ranges::sort(present);
    for (const int64_t number : numbers) {
      if (std::ranges::binary_search(present, number)) continue;
      issues.push_back({key, fmt::format("Layer {} has no {} {}; it has {}.", layer, item, number, text_of(present))});
      break;
    }
  }
  if (!issues.empty()) return issues;
  for (const auto& group : sharing_groups(model, part)) {
    const LayerIndex first = group.front();
    const auto gone = static_cast<int64_t>(listed_in(group, listed).size());
    const auto present = static_cast<int64_t>(numbers_of(layers[static_cast<size_t>(first.value)], part).size());
    if (gone == 0 || present - gone >= minimum) continue;
    issues.push_back(
        {key, fmt::format("Layer {} would keep {} of {} {}s, wanted at least {}. Take some of its {}s off the list.",
                          first.value, present - gone, present, item, minimum, item)});
  }
  return issues;
}

std::vector<std::vector<int64_t>> kept_without(const Model& model, Part part, const ListedItems& listed) {
  std::vector<std::vector<int64_t>> kept(model.architecture.layers.size());
  for (const auto& group : sharing_groups(model, part)) {
    const std::set<int64_t> gone = listed_in(group, listed);
    for (const LayerIndex layer : group) {
      const auto index = static_cast<size_t>(layer.value);
      const std::vector<int64_t> numbers = numbers_of(model.architecture.layers[index], part);
      for (size_t position = 0; position < numbers.size(); ++position) {
        if (!gone.contains(numbers[position])) kept[index].push_back(static_cast<int64_t>(position));
      }
    }
  }
  return kept;
}

}  // namespace espalier
