#include "engine/kernels/kernels.h"

#include "engine/kernels/avx512/vector.h"

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

}  // namespace espalier::kernels
