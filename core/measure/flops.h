#pragma once
#include <string>

#include "base/json_fwd.h"
#include "model/model.h"

namespace espalier {

// Arithmetic of one forward pass of one sequence, by kind (methods: flops). Multiplications are counted once an
// application, so a shared weight counts every time it is used, and at the stored form: non-zeros, factors.
struct FlopCount {
  int64_t macs = 0;     // count_macs(); 1 MAC = 2 FLOPs
  int64_t norm = 0;     // layer norms, 2 an element normalized
  int64_t scale = 0;    // division of attention scores, n^2 a head and layer
  int64_t softmax = 0;  // of attention, n^2 a head and layer

  int64_t matmul_flops() const { return 2 * macs; }
  // With the elementwise part as the ELUE counter has it (Liu 2021, arXiv 2110.07038). Activations and biases are not
  // counted.
  int64_t elue_flops() const { return matmul_flops() + norm + scale + softmax; }
};
FlopCount count_flops(const Model& model, int64_t sequence_length);

// Both figures with their conventions in words.
Json to_json(const FlopCount& count);

}  // namespace espalier
