#pragma once
#include <optional>

#include "base/rng.h"
#include "model/architecture.h"

namespace espalier {

// Fresh values of a slot of a recurrent model, as libtorch and word-level language models have them: matrices and
// biases of a layer of width n, its bridge and the attention uniform in +-1 / sqrt(n), but the bias of an LSTM's forget
// gate 1 in all (Jozefowicz 2015; both biases are added, so the hidden part's is 0); the words and the head's matrices
// uniform in +-0.1 (Zaremba 2014, arXiv 1409.2329), its biases 0. None for a model without recurrent layers.
std::optional<Tensor> fresh_recurrent_values(const Architecture& architecture, const Slot& slot, const Rng& seed);

}  // namespace espalier
