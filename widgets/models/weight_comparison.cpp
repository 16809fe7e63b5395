#include "widgets/models/weight_comparison.h"

#include <QCoreApplication>

#include <algorithm>

#include "inspect/comparison.h"
#include "inspect/statistics.h"
#include "widgets/models/display_text.h"

namespace espalier {

namespace {

QString tr(const char* text) { return QCoreApplication::translate("WeightComparison", text); }

const AttentionSpec* attentionOf(const Architecture& architecture, const Slot& slot) {
  const auto& layers = layer_specs(architecture, slot.stack);
  if (!slot.layer || slot.layer->value >= static_cast<int>(layers.size())) return nullptr;
  const LayerSpec& layer = layers[static_cast<size_t>(slot.layer->value)];
  if (slot.part == Part::Attention) return &layer.attention;
  return slot.part == Part::CrossAttention && layer.cross ? &*layer.cross : nullptr;
}

// Where in `before` each unit of the heads that `after` kept was; empty when heads do not explain the difference.
std::vector<int64_t> headPlaces(const AttentionSpec& before, const AttentionSpec& after) {
  std::vector<int64_t> places;
  if (before.head_dim != after.head_dim) return places;
  for (const HeadIndex head : after.heads) {
    const auto found = std::find(before.heads.begin(), before.heads.end(), head);
    if (found == before.heads.end()) return {};
    const int64_t first = (found - before.heads.begin()) * before.head_dim;
    for (int64_t unit = 0; unit < before.head_dim; ++unit) places.push_back(first + unit);
  }
  return places;
}

}  // namespace

WeightComparison compareWeight(const Model& before, const Model& after, const std::string& slot,
                               const CancelToken& cancel) {
  if (!after.weights.contains(slot)) {
    throw Error(ErrorKind::InvalidInput, {.what = "the other model has no such weight",
                                          .where = slot,
                                          .got = display_name(after),
                                          .wanted = {},
                                          .next = "choose a weight that both have"});
  }
  const Matrix first(share(before.weight(slot)));
  WeightComparison comparison;
  comparison.after = share(after.weight(slot));
  Matrix second(comparison.after);
  if (first.rows() != second.rows() || first.cols() != second.cols()) {
    const auto slots = slots_of(before.architecture);
    const auto place = std::find_if(slots.begin(), slots.end(), [&](const Slot& s) { return s.name == slot; });
    const AttentionSpec* whole = place == slots.end() ? nullptr : attentionOf(before.architecture, *place);
    const AttentionSpec* rest = place == slots.end() ? nullptr : attentionOf(after.architecture, *place);
    const std::vector<int64_t> places = whole && rest ? headPlaces(*whole, *rest) : std::vector<int64_t>();
    const bool byRows = first.cols() == second.cols() && second.rows() == static_cast<int64_t>(places.size());
    const bool byColumns = first.rows() == second.rows() && second.cols() == static_cast<int64_t>(places.size());
    if (places.empty() || (!byRows && !byColumns)) {
      comparison.note = tr("The shapes differ (%1 and %2), so there is no difference to show.")
                            .arg(shapeText(shape_of(before.weight(slot))), shapeText(shape_of(*comparison.after)));
      return comparison;
    }
    const std::vector<int64_t> none;
    Tensor values = spread(second, first.rows(), first.cols(), byRows ? places : none, byRows ? none : places, cancel);
    comparison.after = share(Dense{values.reshaped(shape_of(before.weight(slot)))});
    second = Matrix(comparison.after);
    const int64_t removed = whole->num_heads() - rest->num_heads();
    comparison.note = countedText(removed, tr("removed head shows as zeros."), tr("removed heads show as zeros."));
  }
  const Tensor changed = difference(first, second, cancel).reshaped(shape_of(before.weight(slot)));
  comparison.difference = share(Dense{changed});
  const double norm = summarize(first, cancel).statistics.l2_norm;
  if (norm > 0) comparison.relativeError = summarize(Matrix(comparison.difference), cancel).statistics.l2_norm / norm;
  return comparison;
}

}  // namespace espalier
