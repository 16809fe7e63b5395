#include "train/recurrent_init.h"

#include <algorithm>
#include <cmath>

namespace espalier {
namespace {

constexpr double kWordBound = 0.1;

std::vector<float> uniform(const Slot& slot, double bound, const Rng& seed) {
  std::vector<float> values(static_cast<size_t>(num_elements(slot.shape)));
  // A generator a slot: the values of one do not depend on what else the model has.
  Rng rng = seed.fork(slot.name);
  for (float& value : values) value = static_cast<float>(bound * (2 * rng.uniform() - 1));
  return values;
}

}  // namespace

std::optional<Tensor> fresh_recurrent_values(const Architecture& a, const Slot& slot, const Rng& seed) {
  if (!a.is_recurrent()) return std::nullopt;
  const bool in_layer = slot.part == Part::Recurrent && slot.layer.has_value();
  double bound = kWordBound;
  if (in_layer) {
    const RecurrentSpec& spec = *layer_specs(a, slot.stack).at(static_cast<size_t>(slot.layer->value)).recurrent;
    bound = 1 / std::sqrt(static_cast<double>(spec.width));
  } else if (slot.part == Part::CrossAttention) {
    bound = 1 / std::sqrt(static_cast<double>(a.hidden_size));
  } else if (slot.kind == SlotKind::Bias || slot.kind == SlotKind::NormBias) {
    bound = 0;
  }
  std::vector<float> values = uniform(slot, bound, seed);
  if (slot.kind == SlotKind::NormWeight) std::fill(values.begin(), values.end(), 1.F);
  const bool of_gates = in_layer && slot.kind == SlotKind::Bias && slot.name.find(".bridge.") == std::string::npos;
  if (of_gates && layer_specs(a, slot.stack).at(static_cast<size_t>(slot.layer->value)).recurrent->cell == Cell::Lstm) {
    const auto width = static_cast<ptrdiff_t>(values.size() / 4);
    std::fill_n(values.begin() + width, width, slot.module == "input" ? 1.F : 0.F);
  }
  return Tensor::from(slot.shape, std::move(values));
}

}  // namespace espalier
