#pragma once
#include "engine/kernels/kernels.h"

namespace espalier::kernels {

// args.y (r, c) of int32: x w^T.
void plain_integer_sums(const uint8_t* x, int64_t stride, const CodeArgs& args);
// See Table::multiply_float_codes.
void plain_multiply_float_codes(const float* x, const float* column_scale, const CodeArgs& args);

}  // namespace espalier::kernels
