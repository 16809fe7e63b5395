#pragma once
#include <ATen/core/Tensor.h>

namespace espalier {

// Whether this libtorch has attention as one operation with a scale of one's own: from 2.1 on.
bool has_library_attention();

// softmax(scale queries keys^T + bias) values by libtorch's own kernels, which hold no table of probabilities where
// they can. queries (B, A, S, D), keys and values (B, A, K, D); bias (B or 1, A or 1, S or 1, K) of their type, or
// undefined. The result is (B, A, S, D). It has a first derivative only. Throws Unsupported where
// has_library_attention() is false.
at::Tensor library_attention(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values,
                             const at::Tensor& bias, double scale);

}  // namespace espalier
