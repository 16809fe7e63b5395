#include "compress/share/layers/assignment.h"

#include <algorithm>

namespace espalier {

std::vector<int64_t> layer_assignment(std::string_view pattern, int64_t layers, int64_t unique) {
  std::vector<int64_t> assignment;
  // The paper's g neighbours a set make M = ceil(N / g) sets. A number of sets that no g makes is spread evenly instead
  // (ALBERT's group index), so that `unique` sets are in use whatever was asked.
  const int64_t neighbours = (layers + unique - 1) / unique;
  const bool exact = (layers + neighbours - 1) / neighbours == unique;
  // The last layers run backwards through the sets, at most once through all of them.
  const int64_t reversed = std::min(unique, layers - unique);
  for (int64_t layer = 0; layer < layers; ++layer) {
    if (pattern == "sequence") {
      assignment.push_back(exact ? layer / neighbours : layer * unique / layers);
    } else if (pattern == "cycle_rev" && layer >= layers - reversed) {
      assignment.push_back(unique - 1 - (layer - (layers - reversed)));
    } else {
      assignment.push_back(layer % unique);
    }
  }
  return assignment;
}

}  // namespace espalier
