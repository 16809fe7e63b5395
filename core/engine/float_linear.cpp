#include "engine/float_linear.h"

#include <fmt/format.h>

#include <algorithm>

namespace espalier {

FloatLinear::FloatLinear(const kernels::Table& kernels, onednn::Packer* packer, const Tensor& values,
                         std::string origin)
    : kernels_(kernels), origin_(std::move(origin)) {
  depth_ = values.size(1);
  columns_ = values.size(0);
  no_bias_.assign(static_cast<size_t>(columns_), 0.0F);
  const std::span<const float> w = values.values<float>();
  if (depth_ == 0 || columns_ == 0) return;
  if (packer) {
    packed_ = packer->pack(w.data(), depth_, columns_);
    return;
  }
  plain_.assign(w.begin(), w.end());
}

void FloatLinear::run(Lane& lane, const float* x, int64_t, int64_t rows, const float* bias,
                      kernels::Activation activation, float* y) const {
  if (rows == 0 || columns_ == 0) return;
  const float* shift = bias ? bias : no_bias_.data();
  if (depth_ == 0) {
    fill_with_bias(rows, columns_, bias, y);
  } else if (packed_) {
    lane.failed |= !packed_->multiply(x, rows, shift, y);
  } else {
    kernels_.multiply_float(x, plain_.data(), shift, rows, depth_, columns_, y);
  }
  if (activation != kernels::Activation::None) {
    kernels_.bias_activation(y, rows, columns_, nullptr, activation);
  }
}

std::string FloatLinear::describe() const { return fmt::format("{}, {}", origin_, packed_ ? "oneDNN" : kernels_.name); }

}  // namespace espalier
