#pragma once
#include <ATen/core/Tensor.h>

namespace espalier {

// Whether this libtorch multiplies matrices of 8-bit integers, on a processor and on a GPU: from 2.4 on.
bool multiplies_integers();
// Whether it does so for a weight (out, in): GPUs want both in whole eights.
bool multiplies_integers(int64_t out, int64_t in);

// x weight^T of codes, exact: x (rows, in) and weight (out, in) int8, the result (rows, out) int32. Throws Unsupported
// where multiplies_integers() is false.
at::Tensor integer_product(const at::Tensor& x, const at::Tensor& weight);

}  // namespace espalier
