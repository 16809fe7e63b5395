#include "network/library_attention.h"

#include <ATen/ATen.h>
#include <torch/version.h>

#include "base/error.h"

#define ESPALIER_TORCH_HAS_ATTENTION (TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 1))

namespace espalier {

bool has_library_attention() { return ESPALIER_TORCH_HAS_ATTENTION; }

at::Tensor library_attention([[maybe_unused]] const at::Tensor& queries, [[maybe_unused]] const at::Tensor& keys,
                             [[maybe_unused]] const at::Tensor& values, [[maybe_unused]] const at::Tensor& bias,
                             [[maybe_unused]] double scale) {
#if ESPALIER_TORCH_HAS_ATTENTION
  std::optional<at::Tensor> added;
  if (bias.defined()) added = bias;
  return at::scaled_dot_product_attention(queries, keys, values, added, 0.0, false, scale);
#else
  throw Error(ErrorKind::Unsupported, "this libtorch has no attention as one operation");
#endif
}

}  // namespace espalier
