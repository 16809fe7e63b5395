#include "engine/kernels/kernels.h"

#include "engine/kernels/avx512/vector.h"

#include "engine/kernels/avx512/codes.h"
#include "engine/kernels/simd/math.h"
#include "engine/kernels/simd/partial.h"

#include "engine/kernels/simd/attention.h"
#include "engine/kernels/simd/dequantize.h"
#include "engine/kernels/simd/float_codes.h"
#include "engine/kernels/simd/rows.h"
#include "engine/kernels/simd/sparse.h"

namespace espalier::kernels {

const Table& avx512_table() {
  static constexpr Table kTable = {
      .name = "avx512",
      .bias_activation = ::bias_activation,
      .dequantize = ::dequantize,
      .row_max_abs = ::row_max_abs,
      .quantize = ::quantize,
      .add_norm = ::add_norm,
      .add_rms_norm = ::add_rms_norm,
      .add_affine = ::add_affine,
      .multiply_by = ::multiply_by,
      .attention = ::attend<FloatUnits>,
      .attention_scratch = ::attention_scratch,
      .decode_half = ::decode_half,
      .decode_bfloat16 = ::decode_bfloat16,
      .decode_int8 = ::decode_int8,
      .multiply_float = nullptr,
      .multiply_int8 = nullptr,
      .packed_int8_bytes = nullptr,
      .pack_int8 = nullptr,
      .multiply_codes = nullptr,
      .codes_name = nullptr,
      .multiply_float_codes = ::multiply_float_codes,
      .multiply_sparse = ::multiply_sparse,
  };
  return kTable;
}

}  // namespace espalier::kernels
