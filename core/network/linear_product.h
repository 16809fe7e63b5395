#pragma once
#include <ATen/core/Tensor.h>

namespace espalier {

// x weight^T + bias, as at::linear, whose products libtorch sends to whatever BLAS it was built for. Float32 on the CPU
// goes to oneDNN here, forward and backward; anything else to at::linear. Differentiable any number of times.
// x: (..., in); weight: (out, in); bias: (out) or undefined.
at::Tensor linear_product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace espalier
