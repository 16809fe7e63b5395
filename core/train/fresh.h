#pragma once
#include "base/rng.h"
#include "model/model.h"

namespace espalier {

// Binds a slot of the model's architecture to fresh values (normal, std 0.02; norms 1, biases 0), a generator a slot
// forked from `seed`; an output layer over words of the word table's shape shares that table.
void add_fresh_weight(Model& model, const Slot& slot, const Rng& seed);

}  // namespace espalier
