#pragma once
#include <ATen/core/Tensor.h>

#include "network/dropout.h"

namespace espalier {

// norm(kept + dropout(update)) weight + bias, the end of a block of a Transformer (Vaswani 2017, section 5.4; Ba 2016,
// arXiv 1607.06450), float32 on the CPU, each way in one pass over its rows, where libtorch takes five and keeps a mask
// as large as a row. kept, update: (..., width), width at least 1; weight, bias: (width); epsilon is added to the
// variance. Differentiable once: the backward pass throws Unsupported when it shall itself be differentiated.
at::Tensor fused_add_norm(const at::Tensor& kept, const at::Tensor& update, const at::Tensor& weight,
                          const at::Tensor& bias, double epsilon, const DropoutMask& dropout);

}  // namespace espalier
