#include "engine/kernels/kernels.h"

#include "engine/kernels/avx512/vector.h"

#include "engine/kernels/simd/math.h"
#include "engine/kernels/simd/partial.h"

#include "engine/kernels/simd/attention.h"

#include "engine/kernels/bfloat16/units.h"

namespace espalier::kernels {

void attention_in_bfloat16(const AttentionArgs& args) { ::attend<Bfloat16Pairs>(args); }

}  // namespace espalier::kernels
