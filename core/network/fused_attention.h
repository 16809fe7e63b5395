#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

#include "network/dropout.h"

namespace espalier {

// softmax(query key^T / sqrt(head_dim)) value of all heads, float32 on the CPU. libtorch multiplies the small matrices
// of heads one after another, which costs as much as a quarter of a training step; this runs heads in parallel and
// keeps their rows in cache. Differentiable once: the backward pass throws Unsupported when it shall itself be
// differentiated. query: (B, Q, heads * head_dim); key, value: (B, S, heads * head_dim); token_mask: (B, S) int64 or
// undefined. dropout: of the (B, heads, Q, S) probabilities. The result has the query's shape.
at::Tensor fused_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                           const at::Tensor& token_mask, int64_t num_heads, const DropoutMask& dropout);

}  // namespace espalier
