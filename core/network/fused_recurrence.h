#pragma once
#include <ATen/core/Tensor.h>

#include <vector>

#include "base/cancel.h"
#include "model/architecture.h"

namespace espalier {

// One direction of one recurrent layer over whole sequences. Letters: B sequences, S steps, H the state's width, G
// gates.
struct Recurrence {
  Cell cell = Cell::Lstm;
  bool reverse = false;  // from the last step to the first
  at::Tensor gates;      // (B, S, G H): the inputs' part, with every bias but that of the GRU's hidden part
  at::Tensor weight;     // (G H, H) hidden to hidden
  at::Tensor bias;       // (G H) of the hidden part, of a GRU; undefined: none
  at::Tensor hidden;     // (B, H) first states
  at::Tensor cell_state;
  at::Tensor mask;  // (B, S) int64: a state stays where it is 0; undefined: 1 everywhere
  const CancelToken* cancel = nullptr;
};

// States of every step, and the last ones (the cell's undefined for a GRU).
struct RecurrenceStates {
  at::Tensor rows;  // (B, S, H)
  at::Tensor hidden, cell_state;
};

// The recurrence in loops of our own, float32 or float64 on the CPU. Made of libtorch's operations, every step adds a
// gradient of the whole weight to the last one's; here one product over all steps gives it, and the gates of a step are
// one pass. Differentiable once: the backward pass throws Unsupported when it shall itself be differentiated, and
// Cancelled; the token must outlive it.
RecurrenceStates fused_recurrence(const Recurrence& recurrence);

}  // namespace espalier
