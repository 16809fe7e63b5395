#pragma once
// The ten universal invariants of compression methods, really run.

#include <string>
#include <vector>

#include "compress/method.h"

namespace espalier {

struct InvariantResult {
  std::string id;     // of the method
  int invariant = 0;  // 1..10
  std::string name;   // "identity setting"
  bool ok = false;
  std::string detail;  // what was measured, or what went wrong
  double seconds = 0;
};
Json to_json(const InvariantResult& result);

// Tries `method` on a classification model by the steps of its probe: ten results in order. `resources` must hold
// training examples and a teacher; only the first 128 of the training examples and 64 of the dev examples are used. A
// broken invariant is a result, not an exception; Cancelled passes through.
//  1 the identity step leaves the engine's logits within 1e-6    6 what is removed computes as zeros in its place
//  2 the input model is unchanged                                7 different inputs give different logits
//  3 the same seed gives the same bytes                          8 the series of settings never grows, and ends smaller
//  4 sizes in the report are those of the saved bundle           9 a cancelled run ends as such and leaves the input
//  alone 5 a saved and opened model gives the same logits to the bit  10 what cannot be done is refused before any work
std::vector<InvariantResult> verify_invariants(const Method& method, const Model& model, const Resources& resources,
                                               JobContext& context);

}  // namespace espalier
