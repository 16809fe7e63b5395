#pragma once
// Weights whose shapes and forms count but whose values do not: what a preview is made of. They share one block of
// zeros, so a preview of a large model costs no memory and no time.

#include <vector>

#include "model/weight.h"

namespace espalier {

// Zeros that every caller shares.
Tensor hollow_tensor(DType dtype, const Shape& shape);
Weight hollow_dense(DType dtype, const Shape& shape);
// `kept` of the elements are not masked.
Weight hollow_masked(const Shape& shape, int64_t kept);
Weight hollow_low_rank(DType dtype, int64_t rows, int64_t rank, int64_t columns);
Weight hollow_quantized(const Shape& shape, int bits, bool per_row, ActivationRange activations);

// The form of select(weight, axis, keep) without the values; a mask keeps its density.
Weight hollow_select(const Weight& weight, int64_t axis, const std::vector<int64_t>& keep);
// The same weight with every dense part as float32: what training leaves. Codes and masks stay as they are.
Weight hollow_float32(const Weight& weight);

}  // namespace espalier
