#include "compress/surgery.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "compress/hollow.h"

namespace espalier {
namespace {

constexpr std::string_view kAttentionInputs[] = {"attention.q_proj", "attention.k_proj", "attention.v_proj"};

// Norms, bottlenecks, bias tables and stacked feed-forward blocks keep their size when heads or units go, so sharing
// one binds nothing.
bool is_cut(const Slot& slot) {
  if (slot.kind != SlotKind::Linear && slot.kind != SlotKind::Bias) return false;
  const std::string block = module_of(*slot.layer, slot.part == Part::Attention ? "attention." : "ffn.");
  return slot.name.starts_with(block + slot.module + ".") && !slot.name.ends_with("out_proj.bias");
}

std::vector<LayerIndex> all_layers(const Model& model) {
  std::vector<LayerIndex> layers;
  for (size_t i = 0; i < model.architecture.layers.size(); ++i) layers.emplace_back(static_cast<int64_t>(i));
  return layers;
}

[[noreturn]] void throw_unequal_groups(LayerIndex a, LayerIndex b, std::string_view what) {
  throw Error(ErrorKind::InvalidInput,
              {.what = "layers that share weights must lose the same " + std::string(what),
               .where = "layers " + std::to_string(a.value) + " and " + std::to_string(b.value),
               .next = "choose the same " + std::string(what) + " in both"});
}

// Layers of one group must have equal lists.
template <typename List>
void require_equal_in_groups(const Model& model, Part part, const std::vector<List>& keep, std::string_view what) {
  for (const std::vector<LayerIndex>& group : sharing_groups(model, part)) {
    for (const LayerIndex layer : group) {
      if (keep[static_cast<size_t>(layer.value)] != keep[static_cast<size_t>(group.front().value)]) {
        throw_unequal_groups(group.front(), layer, what);
      }
    }
  }
}

template <typename List>
void require_one_list_a_layer(const Model& model, const std::vector<List>& keep) {
  if (keep.size() == model.architecture.layers.size()) return;
  throw Error(ErrorKind::InvalidInput, {.what = "one list a layer is needed",
                                        .got = std::to_string(keep.size()) + " lists",
                                        .wanted = std::to_string(model.architecture.layers.size())});
}

// Cuts every weight at most once, however many slots and layers share it.
class Cutter {
 public:
  Cutter(const WeightTable& table, Cut cut) : table_(table), cut_(cut) {}

  void select(const std::string& slot, int64_t axis, const std::vector<int64_t>& keep) {
    if (!table_.contains(slot)) return;
    const auto [entry, fresh] = done_.try_emplace(table_.handle(slot), axis);
    if (!fresh) {
      if (entry->second == axis) return;
      throw Error(ErrorKind::Unsupported, {.what = "one weight serves as input and output of a block", .where = slot});
    }
    const Weight& weight = table_.at(slot);
    table_.replace(slot,
                   cut_ == Cut::Values ? espalier::select(weight, axis, keep) : hollow_select(weight, axis, keep));
  }

  WeightTable take() { return std::move(table_); }

 private:
  WeightTable table_;
  Cut cut_;
  std::map<WeightHandle, int64_t> done_;
};

// Positions, in the layer's rows, of the kept heads.
std::vector<int64_t> rows_of_heads(const AttentionSpec& attention, const std::vector<HeadIndex>& keep,
                                   LayerIndex layer) {
  std::vector<int64_t> rows;
  size_t next = 0;
  for (size_t position = 0; position < attention.heads.size(); ++position) {
    if (next == keep.size() || attention.heads[position] != keep[next]) continue;
    ++next;
    const int64_t first = static_cast<int64_t>(position) * attention.head_dim;
    for (int64_t row = 0; row < attention.head_dim; ++row) rows.push_back(first + row);
  }
  if (next != keep.size()) {
    throw Error(ErrorKind::InvalidInput, {.what = "a head that should stay is not in the layer",
                                          .where = "layer " + std::to_string(layer.value),
                                          .got = "head " + std::to_string(keep[next].value)});
  }
  return rows;
}

// The dense float32 values of a matrix with zeros in the columns not kept.
Weight with_zero_columns(const Weight& weight, const std::vector<int64_t>& keep) {
  const Tensor values = materialize(weight);
  const int64_t rows = values.size(0), columns = values.size(1);
  std::vector<float> zeroed(static_cast<size_t>(values.numel()), 0.0F);
  const auto source = values.values<float>();
  for (int64_t row = 0; row < rows; ++row) {
    for (const int64_t column : keep) {
      const auto at = static_cast<size_t>(row * columns + column);
      zeroed[at] = source[at];
    }
  }
  return Dense{Tensor::from<float>(values.shape(), std::move(zeroed))};
}

}  // namespace

std::string module_of(LayerIndex layer, std::string_view path) {
  return "encoder." + std::to_string(layer.value) + "." + std::string(path);
}

std::vector<std::vector<LayerIndex>> sharing_groups(const Model& model, Part part) {
  std::vector<size_t> parent(model.architecture.layers.size());
  std::iota(parent.begin(), parent.end(), size_t{0});
  const auto root = [&](size_t layer) {
    while (parent[layer] != layer) layer = parent[layer];
    return layer;
  };
  std::map<WeightHandle, size_t> first_layer;
  for (const Slot& slot : slots_of(model.architecture)) {
    if (slot.part != part || !slot.layer || slot.stack != Stack::Encoder || !is_cut(slot)) continue;
    const auto layer = static_cast<size_t>(slot.layer->value);
    const auto [entry, fresh] = first_layer.try_emplace(model.weights.handle(slot.name), layer);
    if (fresh) continue;
    const size_t a = root(entry->second), b = root(layer);
    parent[std::max(a, b)] = std::min(a, b);
  }
  std::map<size_t, std::vector<LayerIndex>> groups;
  for (const LayerIndex layer : all_layers(model)) groups[root(static_cast<size_t>(layer.value))].push_back(layer);
  std::vector<std::vector<LayerIndex>> listed;
  for (auto& [first, group] : groups) listed.push_back(std::move(group));
  return listed;
}

Model keep_heads(const Model& model, const std::vector<std::vector<HeadIndex>>& keep, Cut cut) {
  require_one_list_a_layer(model, keep);
  require_equal_in_groups(model, Part::Attention, keep, "heads");
  Model cut_model = model;
  Cutter cutter(model.weights, cut);
  for (const LayerIndex layer : all_layers(model)) {
    const auto index = static_cast<size_t>(layer.value);
    AttentionSpec& attention = cut_model.architecture.layers[index].attention;
    const std::vector<int64_t> rows = rows_of_heads(attention, keep[index], layer);
    if (rows.size() == static_cast<size_t>(attention.width())) continue;
    for (const std::string_view input : kAttentionInputs) {
      cutter.select(module_of(layer, input) + ".weight", 0, rows);
      cutter.select(module_of(layer, input) + ".bias", 0, rows);
    }
    cutter.select(module_of(layer, "attention.out_proj.weight"), 1, rows);
    attention.heads = keep[index];
  }
  cut_model.weights = cutter.take();
  return cut_model;
}

Model keep_units(const Model& model, const std::vector<std::vector<int64_t>>& keep, Cut cut) {
  require_one_list_a_layer(model, keep);
  require_equal_in_groups(model, Part::FeedForward, keep, "units");
  Model cut_model = model;
  Cutter cutter(model.weights, cut);
  for (const LayerIndex layer : all_layers(model)) {
    const auto index = static_cast<size_t>(layer.value);
    FeedForwardSpec& ffn = cut_model.architecture.layers[index].ffn;
    const auto width = static_cast<int64_t>(keep[index].size());
    if (width == ffn.width) continue;
    cutter.select(module_of(layer, "ffn.in_proj.weight"), 0, keep[index]);
    cutter.select(module_of(layer, "ffn.in_proj.bias"), 0, keep[index]);
    cutter.select(module_of(layer, "ffn.up_proj.weight"), 0, keep[index]);
    cutter.select(module_of(layer, "ffn.up_proj.bias"), 0, keep[index]);
    cutter.select(module_of(layer, "ffn.out_proj.weight"), 1, keep[index]);
    ffn.width = width;
  }
  cut_model.weights = cutter.take();
  return cut_model;
}

Model keep_layers(const Model& model, const std::vector<LayerIndex>& keep) {
  Model shorter = model;
  shorter.architecture.layers.clear();
  for (const LayerIndex layer : keep) {
    shorter.architecture.layers.push_back(model.architecture.layers.at(static_cast<size_t>(layer.value)));
  }
  WeightTable table;
  std::map<WeightHandle, std::string> first_slot;
  for (const Slot& slot : slots_of(shorter.architecture)) {
    std::string old_name = slot.name;
    if (slot.layer && slot.stack == Stack::Encoder) {
      const std::string new_prefix = module_of(*slot.layer, "");
      old_name = module_of(keep[static_cast<size_t>(slot.layer->value)], slot.name.substr(new_prefix.size()));
    }
    const WeightHandle handle = model.weights.handle(old_name);
    const auto [entry, fresh] = first_slot.try_emplace(handle, slot.name);
    if (fresh) {
      table.add(slot.name, model.weights.at(handle));
    } else {
      table.share(slot.name, entry->second);
    }
  }
  shorter.weights = std::move(table);
  return shorter;
}

Model zero_heads(const Model& model, const std::vector<std::vector<HeadIndex>>& keep) {
  require_one_list_a_layer(model, keep);
  Model zeroed = model;
  for (const LayerIndex layer : all_layers(model)) {
    const auto index = static_cast<size_t>(layer.value);
    const std::vector<int64_t> rows = rows_of_heads(model.architecture.layers[index].attention, keep[index], layer);
    const std::string slot = module_of(layer, "attention.out_proj.weight");
    zeroed.weights.replace(slot, with_zero_columns(zeroed.weights.at(slot), rows));
  }
  return zeroed;
}

Model zero_units(const Model& model, const std::vector<std::vector<int64_t>>& keep) {
  require_one_list_a_layer(model, keep);
  Model zeroed = model;
  for (const LayerIndex layer : all_layers(model)) {
    const std::string slot = module_of(layer, "ffn.out_proj.weight");
    zeroed.weights.replace(slot, with_zero_columns(zeroed.weights.at(slot), keep[static_cast<size_t>(layer.value)]));
  }
  return zeroed;
}

}  // namespace espalier
