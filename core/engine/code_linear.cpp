#include "engine/code_linear.h"

#include <fmt/format.h>

namespace espalier {

CodeLinear::CodeLinear(const kernels::Table& kernels, std::span<const int8_t> codes, int64_t depth,
                       std::vector<float> scales, int bits)
    : kernels_(kernels),
      bits_(bits),
      depth_(depth),
      codes_(codes, depth, static_cast<int64_t>(scales.size()), bits, PackedCodes::Order::Floats),
      scales_(std::move(scales)) {
  for (float& scale : scales_) scale *= codes_.unit();
}

void CodeLinear::run(Lane& lane, const float* x, int64_t, int64_t rows, const float* bias,
                     kernels::Activation activation, float* y) const {
  if (rows == 0 || columns() == 0) return;
  kernels_.multiply_float_codes(x, scales_.data(),
                                {codes_.data(), bits_, rows, depth_, columns(), bias, y, lane.scratch});
  if (activation != kernels::Activation::None) kernels_.bias_activation(y, rows, columns(), nullptr, activation);
}

int64_t CodeLinear::resident_bytes() const { return codes_.bytes() + columns() * static_cast<int64_t>(sizeof(float)); }

std::string CodeLinear::describe() const {
  return fmt::format("{}-bit codes, decoded to float32 a tile at a time, {}", bits_, kernels_.name);
}

}  // namespace espalier
