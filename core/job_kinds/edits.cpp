#include "job_kinds/edits.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "base/nearest.h"
#include "compress/listed_items.h"
#include "compress/surgery.h"

namespace espalier {
namespace {

constexpr std::string_view kWhere = "edit";
constexpr std::string_view kWeightEnd = ".weight";

[[noreturn]] void refuse(std::string what, std::string where, std::string got, std::string wanted) {
  throw Error(ErrorKind::InvalidInput, {.what = std::move(what),
                                        .where = std::move(where),
                                        .got = std::move(got),
                                        .wanted = std::move(wanted),
                                        .next = {}});
}

const LayerSpec& layer_at(const Model& model, int64_t layer) {
  const std::vector<LayerSpec>& layers = model.architecture.layers;
  if (layer < 0 || layer >= std::ssize(layers)) {
    refuse("there is no such layer", display_name(model), std::to_string(layer),
           fmt::format("0 to {}", layers.size() - 1));
  }
  return layers[static_cast<size_t>(layer)];
}

std::string head_list(const std::vector<HeadIndex>& heads) {
  std::string text;
  for (const HeadIndex head : heads) text += (text.empty() ? "" : ", ") + std::to_string(head.value);
  return text;
}

Model without_heads(const Model& model, const Json& part) {
  std::vector<std::vector<HeadIndex>> keep;
  for (const LayerSpec& layer : model.architecture.layers) keep.push_back(layer.attention.heads);
  for (const auto& [layer, head] : json_get<std::vector<std::pair<int64_t, int64_t>>>(part, "heads", kWhere)) {
    layer_at(model, layer);
    std::vector<HeadIndex>& heads = keep[static_cast<size_t>(layer)];
    if (std::erase_if(heads, [&](HeadIndex there) { return there.value == head; }) == 0) {
      refuse("there is no such head", fmt::format("layer {}", layer), std::to_string(head),
             heads.empty() ? "no head: all of the layer are gone" : "one of " + head_list(heads));
    }
  }
  return keep_heads(model, keep);
}

Model without_neurons(const Model& model, const Json& part) {
  const auto group = json_get<Json>(part, "neurons", kWhere);
  const auto layer = json_get<int64_t>(group, "layer", kWhere);
  const auto first = json_get<int64_t>(group, "first", kWhere), last = json_get<int64_t>(group, "last", kWhere);
  const int64_t width = layer_at(model, layer).ffn.width;
  if (first < 0 || last < first || last >= width) {
    refuse("there is no such group of neurons", fmt::format("layer {}", layer), fmt::format("{}-{}", first, last),
           fmt::format("FIRST-LAST within 0-{}", width - 1));
  }
  std::vector<std::vector<int64_t>> keep;
  for (int64_t at = 0; at < std::ssize(model.architecture.layers); ++at) {
    std::vector<int64_t>& units = keep.emplace_back();
    for (int64_t unit = 0; unit < model.architecture.layers[static_cast<size_t>(at)].ffn.width; ++unit) {
      if (at != layer || unit < first || unit > last) units.push_back(unit);
    }
  }
  return keep_units(model, keep);
}

Model without_units(const Model& model, const Json& part) {
  ListedItems listed;
  for (const auto& [layer, unit] : json_get<std::vector<std::pair<int64_t, int64_t>>>(part, "units", kWhere)) {
    listed[layer].insert(unit);
  }
  const std::vector<Issue> issues = check_listed(model, Part::FeedForward, "units", listed, 1);
  if (!issues.empty()) refuse("these units cannot go", display_name(model), issues.front().message, {});
  return keep_units(model, kept_without(model, Part::FeedForward, listed));
}

Model without_layer(const Model& model, const Json& part) {
  const auto layer = json_get<int64_t>(part, "layer", kWhere);
  layer_at(model, layer);
  if (model.architecture.layers.size() == 1) refuse("the only layer cannot go", display_name(model), {}, {});
  std::vector<LayerIndex> keep;
  for (int64_t at = 0; at < std::ssize(model.architecture.layers); ++at) {
    if (at != layer) keep.emplace_back(at);
  }
  return keep_layers(model, keep);
}

std::string matrix_slot(const Model& model, const std::string& name) {
  std::vector<std::string> matrices;
  for (const Slot& slot : slots_of(model.architecture)) {
    if (slot.kind == SlotKind::Linear || slot.kind == SlotKind::Embedding) matrices.push_back(slot.name);
  }
  for (const char* ending : {"", ".weight", "_proj.weight"}) {
    if (std::ranges::find(matrices, name + ending) != matrices.end()) return name + ending;
  }
  for (std::string& matrix : matrices) matrix.resize(matrix.size() - kWeightEnd.size());
  const std::string near = nearest_name(name, matrices);
  refuse("there is no such matrix", display_name(model), name,
         near.empty() ? "a matrix as espalier weights lists them" : "perhaps " + near);
}

Model with_rank(const Model& model, const Json& part, const Model& baseline, SpectrumCache& spectra) {
  const std::string slot = matrix_slot(model, json_get<std::string>(part, "weight", kWhere));
  const auto rank = json_get<int64_t>(part, "rank", kWhere);
  const Weight& weight = model.weight(slot);
  const Shape shape = shape_of(weight);
  const int64_t most = std::min(shape[0], shape[1]);
  if (rank < 1 || rank > most) {
    refuse("this matrix has no such rank", slot, std::to_string(rank), fmt::format("1 to {}", most));
  }
  Model edited = model;
  // Other parts may have made it another matrix than the baseline's of this name.
  if (!baseline.weights.contains(slot) || !bit_equal(baseline.weight(slot), weight)) {
    edited.weights.replace(slot, truncate(singular_values(materialize(weight)), rank, DType::F32));
    return edited;
  }
  if (!spectra.contains(slot)) spectra.emplace(slot, singular_values(materialize(weight)));
  edited.weights.replace(slot, truncate(spectra.at(slot), rank, DType::F32));
  return edited;
}

Model with_bits(const Model& model, const Json& part) {
  const std::string slot = matrix_slot(model, json_get<std::string>(part, "weight", kWhere));
  const auto bits = json_get<int>(part, "bits", kWhere);
  if (bits < 2 || bits > 8) refuse("weights are stored in 2 to 8 bits", slot, std::to_string(bits), "2 to 8");
  Model edited = model;
  edited.weights.replace(slot, quantize_symmetric(materialize(model.weight(slot)), bits, true, ActivationRange::Float));
  return edited;
}

}  // namespace

Model apply_edit(const Model& model, const Json& parts, SpectrumCache& spectra) {
  if (!parts.is_array() || parts.empty()) {
    refuse("an edit is a list of parts", std::string(kWhere), parts.dump(), "at least one part");
  }
  Model edited = model;
  for (const Json& part : parts) {
    if (part.contains("heads")) {
      edited = without_heads(edited, part);
    } else if (part.contains("neurons")) {
      edited = without_neurons(edited, part);
    } else if (part.contains("units")) {
      edited = without_units(edited, part);
    } else if (part.contains("layer")) {
      edited = without_layer(edited, part);
    } else if (part.contains("rank")) {
      edited = with_rank(edited, part, model, spectra);
    } else if (part.contains("bits")) {
      edited = with_bits(edited, part);
    } else {
      refuse("this is no part of an edit", std::string(kWhere), part.dump(),
             "heads, neurons, units, layer, rank or bits");
    }
  }
  return edited;
}

std::string edit_text(const Json& parts) {
  std::string text;
  for (const Json& part : parts) {
    if (!text.empty()) text += "; ";
    if (part.contains("heads")) {
      std::string heads;
      for (const auto& [layer, head] : json_get<std::vector<std::pair<int64_t, int64_t>>>(part, "heads", kWhere)) {
        heads += fmt::format("{}{}.{}", heads.empty() ? "" : ", ", layer, head);
      }
      text += "without heads " + heads;
    } else if (part.contains("neurons")) {
      const auto group = json_get<Json>(part, "neurons", kWhere);
      text += fmt::format("without neurons {}-{} of layer {}", json_get<int64_t>(group, "first", kWhere),
                          json_get<int64_t>(group, "last", kWhere), json_get<int64_t>(group, "layer", kWhere));
    } else if (part.contains("units")) {
      const size_t count = json_get<std::vector<std::pair<int64_t, int64_t>>>(part, "units", kWhere).size();
      text += fmt::format("without {} {}", count, count == 1 ? "unit" : "units");
    } else if (part.contains("layer")) {
      text += fmt::format("without layer {}", json_get<int64_t>(part, "layer", kWhere));
    } else if (part.contains("rank")) {
      text += fmt::format("{} of rank {}", json_get<std::string>(part, "weight", kWhere),
                          json_get<int64_t>(part, "rank", kWhere));
    } else if (part.contains("bits")) {
      text += fmt::format("{} at {} bits", json_get<std::string>(part, "weight", kWhere),
                          json_get<int64_t>(part, "bits", kWhere));
    }
  }
  return text;
}

std::vector<Json> single_edits(const Architecture& architecture, const std::string& of) {
  if (of != "heads" && of != "layers") refuse("one at a time of what", std::string(kWhere), of, "heads or layers");
  std::vector<Json> edits;
  for (int64_t layer = 0; layer < std::ssize(architecture.layers); ++layer) {
    if (of == "layers") {
      edits.push_back(Json::array({{{"layer", layer}}}));
      continue;
    }
    for (const HeadIndex head : architecture.layers[static_cast<size_t>(layer)].attention.heads) {
      edits.push_back(Json::array({{{"heads", Json::array({Json::array({layer, head.value})})}}}));
    }
  }
  return edits;
}

}  // namespace espalier
