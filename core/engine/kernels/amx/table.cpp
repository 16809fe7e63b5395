#include "engine/kernels/kernels.h"

#include "engine/kernels/avx512/vector.h"

#include "engine/kernels/avx512/codes.h"
#include "engine/kernels/simd/math.h"
#include "engine/kernels/simd/partial.h"

#include "engine/kernels/amx/product.h"

namespace espalier::kernels {

const TileProducts& amx_products() {
  static constexpr TileProducts products = {
      .name = "amx",
      .packed_bytes = ::packed_tile_bytes,
      .pack = ::pack_tiles,
      .multiply = ::multiply_tiles,
  };
  return products;
}

void multiply_codes_on_tiles(const uint8_t* x, int64_t stride, const IntegerScales& scales, Activation activation,
                             const CodeArgs& args) {
  ::multiply_codes(x, stride, scales, activation, args);
}

}  // namespace espalier::kernels
