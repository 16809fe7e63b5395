#pragma once
// Rows of a classifier's output.

#include <span>
#include <vector>

#include "base/tensor.h"

namespace espalier {

// InvalidInput unless the tensor is (N, C) float32 with C >= 1.
void check_logits(const Tensor& logits);
// The same for two tensors, which must have one shape.
void check_same_logits(const Tensor& a, const Tensor& b);

std::span<const float> logits_row(const Tensor& logits, int64_t row);
int32_t argmax(std::span<const float> row);  // the first of equals
std::vector<double> softmax(std::span<const float> row);
std::vector<double> log_softmax(std::span<const float> row);

}  // namespace espalier
