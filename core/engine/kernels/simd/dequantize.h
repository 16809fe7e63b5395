#pragma once
// Exact integer sums made float; include after vector.h, math.h and partial.h.

namespace {

using espalier::kernels::Activation;
using espalier::kernels::IntegerScales;

template <Activation kKind>
void dequantize_as(void* x, int64_t rows, int64_t columns, const IntegerScales& scales, const float* bias) {
  // A few rows at once, so that what belongs to a column is loaded once for them.
  constexpr int64_t kTogether = 4;
  for (int64_t first = 0; first < rows; first += kTogether) {
    const int64_t end = first + kTogether < rows ? first + kTogether : rows;
    for_registers(columns, [&](int64_t c, int64_t count) {
      const Ints compensation = load_ints(scales.compensation + c, count);
      const Floats column_scale = load_some(scales.column + c, count);
      const Floats shift = bias ? load_some(bias + c, count) : zero();
      for (int64_t r = first; r < end; ++r) {
        float* at = static_cast<float*>(x) + r * columns + c;
        const Floats sum = to_floats(subtract(load_ints(at, count), compensation));
        const Floats value = fma(sum, mul(all(scales.row[r]), column_scale), shift);
        store_some(at, activate<kKind>(value), count);
      }
    });
  }
}

void dequantize(void* x, int64_t rows, int64_t columns, const IntegerScales& scales, const float* bias,
                Activation activation) {
  switch (activation) {
    case Activation::None:
      return dequantize_as<Activation::None>(x, rows, columns, scales, bias);
    case Activation::Gelu:
      return dequantize_as<Activation::Gelu>(x, rows, columns, scales, bias);
    case Activation::GeluTanh:
      return dequantize_as<Activation::GeluTanh>(x, rows, columns, scales, bias);
    case Activation::Relu:
      return dequantize_as<Activation::Relu>(x, rows, columns, scales, bias);
    case Activation::Silu:
      return dequantize_as<Activation::Silu>(x, rows, columns, scales, bias);
    case Activation::Tanh:
      return dequantize_as<Activation::Tanh>(x, rows, columns, scales, bias);
  }
}

}  // namespace
