#pragma once
// Physical removal of heads, feed-forward units and layers, and binding layers together. Weights that layers share are
// cut once, so layers that share an attention (or a feed-forward) block lose the same heads (or units).

#include <vector>

#include "model/model.h"

namespace espalier {

enum class Cut {
  Values,  // the rows and columns that stay, form kept
  Shapes,  // only the right shapes and forms, for previews
};

// Layers that share any weight of `part` (Attention or FeedForward), each group ascending, groups by first layer.
std::vector<std::vector<LayerIndex>> sharing_groups(const Model& model, Part part);

// keep[layer]: the heads that stay, by their number in the model as first opened, ascending; a subset of those there.
// Layers of a sharing group must keep the same heads. Removes rows of q, k, v (and their biases) and columns of
// out_proj.
Model keep_heads(const Model& model, const std::vector<std::vector<HeadIndex>>& keep, Cut cut = Cut::Values);

// keep[layer]: the positions of the units that stay, ascending. Removes rows of in_proj (and its bias), columns of
// out_proj.
Model keep_units(const Model& model, const std::vector<std::vector<int64_t>>& keep, Cut cut = Cut::Values);

// The layers that stay, ascending; they are numbered anew. Sharing among them stays.
Model keep_layers(const Model& model, const std::vector<LayerIndex>& keep);

// Zeros instead of removal, every form dense: what keep_heads and keep_units must compute the same as.
Model zero_heads(const Model& model, const std::vector<std::vector<HeadIndex>>& keep);
Model zero_units(const Model& model, const std::vector<std::vector<int64_t>>& keep);

// "encoder.3.attention.q_proj" and the like.
std::string module_of(LayerIndex layer, std::string_view path);

}  // namespace espalier
