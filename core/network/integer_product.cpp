#include "network/integer_product.h"

#include <ATen/ATen.h>
#include <torch/version.h>

#include "base/error.h"

#define ESPALIER_TORCH_HAS_INT_MM (TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4))

namespace espalier {

bool multiplies_integers() { return ESPALIER_TORCH_HAS_INT_MM; }

bool multiplies_integers(int64_t out, int64_t in) {
  constexpr int64_t kEights = 8;
  return multiplies_integers() && out % kEights == 0 && in % kEights == 0;
}

at::Tensor integer_product([[maybe_unused]] const at::Tensor& x, [[maybe_unused]] const at::Tensor& weight) {
#if ESPALIER_TORCH_HAS_INT_MM
  constexpr int64_t kLeastRows = 17;  // a GPU's library takes no fewer
  const int64_t rows = x.size(0);
  if (rows >= kLeastRows) return at::_int_mm(x, weight.t());
  const at::Tensor filled = at::constant_pad_nd(x, {0, 0, 0, kLeastRows - rows});
  return at::_int_mm(filled, weight.t()).narrow(0, 0, rows);
#else
  throw Error(ErrorKind::Unsupported, "this libtorch does not multiply integers");
#endif
}

}  // namespace espalier
