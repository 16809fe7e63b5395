#pragma once
#include <oneapi/dnnl/dnnl.hpp>

namespace espalier::onednn {

// The processor, as oneDNN calls it.
inline const dnnl::engine& cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

}  // namespace espalier::onednn
