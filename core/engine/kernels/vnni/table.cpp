#include "engine/kernels/kernels.h"

#include "engine/kernels/avx512/vector.h"

#include "engine/kernels/avx512/codes.h"
#include "engine/kernels/simd/math.h"
#include "engine/kernels/simd/partial.h"

#include "engine/kernels/simd/dequantize.h"

#include "engine/kernels/vnni/product.h"

namespace espalier::kernels {

void multiply_codes_by_dots(const uint8_t* x, int64_t stride, const IntegerScales& scales, Activation activation,
                            const CodeArgs& args) {
  ::multiply_codes(x, stride, scales, activation, args);
}

}  // namespace espalier::kernels
