#pragma once
#include <cstdint>
#include <vector>

#include "engine/prepared_model.h"

namespace espalier {

// What distances between tokens add to the scores of each layer's heads, for sequences of at most `longest` tokens:
// (heads, 2 longest - 1) a layer, distance 0 in the middle; empty without.
std::vector<std::vector<float>> relative_biases(const PreparedStack& stack, int64_t longest);

}  // namespace espalier
