#pragma once
#include <cstddef>

namespace espalier {

// InvalidInput when two sides that belong together have different numbers of examples.
void check_sizes(size_t a, size_t b);

}  // namespace espalier
