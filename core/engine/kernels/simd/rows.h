#pragma once
// Kernels that go row by row; include after vector.h, math.h and partial.h.

namespace {

using espalier::kernels::Activation;

template <Activation kKind>
void bias_activation_as(float* x, int64_t rows, int64_t columns, const float* bias) {
  for (int64_t r = 0; r < rows; ++r) {
    float* row = x + r * columns;
    for_registers(columns, [&](int64_t c, int64_t count) {
      Floats value = load_some(row + c, count);
      if (bias) value = add(value, load_some(bias + c, count));
      store_some(row + c, activate<kKind>(value), count);
    });
  }
}

void bias_activation(float* x, int64_t rows, int64_t columns, const float* bias, Activation activation) {
  switch (activation) {
    case Activation::None:
      return bias_activation_as<Activation::None>(x, rows, columns, bias);
    case Activation::Gelu:
      return bias_activation_as<Activation::Gelu>(x, rows, columns, bias);
    case Activation::GeluTanh:
      return bias_activation_as<Activation::GeluTanh>(x, rows, columns, bias);
    case Activation::Relu:
      return bias_activation_as<Activation::Relu>(x, rows, columns, bias);
    case Activation::Silu:
      return bias_activation_as<Activation::Silu>(x, rows, columns, bias);
    case Activation::Tanh:
      return bias_activation_as<Activation::Tanh>(x, rows, columns, bias);
  }
}

void row_max_abs(const float* x, int64_t rows, int64_t columns, float* maximum) {
  for (int64_t r = 0; r < rows; ++r) {
    Floats most = zero();
    for_registers(
        columns, [&](int64_t c, int64_t count) { most = max(magnitude(load_some(x + r * columns + c, count)), most); });
    maximum[r] = max_of(most);
  }
}

void quantize(const float* x, int64_t rows, int64_t columns, const float* maximum, uint8_t* codes, float* scale) {
  for (int64_t r = 0; r < rows; ++r) {
    const float range = maximum[r] > 0 ? maximum[r] : 1.0F;
    const Floats inverse = all(127.0F / range);
    for_registers(columns, [&](int64_t c, int64_t count) {
      store_codes(codes + r * columns + c, mul(load_some(x + r * columns + c, count), inverse), count);
    });
    scale[r] = range / 127.0F;
  }
}

void add_norm(const float* x, const float* residual, const float* shift, const float* weight, const float* bias,
              float epsilon, int64_t rows, int64_t columns, float* out) {
  const float share = 1.0F / static_cast<float>(columns);
  for (int64_t r = 0; r < rows; ++r) {
    float* to = out + r * columns;
    Floats sum = zero();
    for_registers(columns, [&](int64_t c, int64_t count) {
      Floats value = load_some(x + r * columns + c, count);
      if (residual) value = add(value, load_some(residual + r * columns + c, count));
      if (shift) value = add(value, load_some(shift + c, count));
      store_some(to + c, value, count);
      sum = add(sum, value);
    });
    const float mean = sum_of(sum) * share;
    Floats squares = zero();
    for_registers(columns, [&](int64_t c, int64_t count) {
      const Floats centred = fill_rest(sub(load_some(to + c, count), all(mean)), count, 0.0F);
      squares = fma(centred, centred, squares);
    });
    const float inverse = 1.0F / __builtin_sqrtf(sum_of(squares) * share + epsilon);
    for_registers(columns, [&](int64_t c, int64_t count) {
      const Floats centred = mul(sub(load_some(to + c, count), all(mean)), all(inverse));
      store_some(to + c, fma(centred, load_some(weight + c, count), load_some(bias + c, count)), count);
    });
  }
}

void add_rms_norm(const float* x, const float* residual, const float* weight, float epsilon, int64_t rows,
                  int64_t columns, float* out) {
  const float share = 1.0F / static_cast<float>(columns);
  for (int64_t r = 0; r < rows; ++r) {
    float* to = out + r * columns;
    Floats squares = zero();
    for_registers(columns, [&](int64_t c, int64_t count) {
      Floats value = load_some(x + r * columns + c, count);
      if (residual) value = add(value, load_some(residual + r * columns + c, count));
      store_some(to + c, value, count);
      squares = fma(value, value, squares);
    });
    const Floats inverse = all(1.0F / __builtin_sqrtf(sum_of(squares) * share + epsilon));
    for_registers(columns, [&](int64_t c, int64_t count) {
      store_some(to + c, mul(mul(load_some(to + c, count), inverse), load_some(weight + c, count)), count);
    });
  }
}

void add_affine(const float* x, const float* residual, const float* shift, const float* weight, const float* bias,
                int64_t rows, int64_t columns, float* out) {
  for (int64_t r = 0; r < rows; ++r) {
    for_registers(columns, [&](int64_t c, int64_t count) {
      Floats value = load_some(x + r * columns + c, count);
      if (residual) value = add(value, load_some(residual + r * columns + c, count));
      if (shift) value = add(value, load_some(shift + c, count));
      if (weight) value = fma(value, load_some(weight + c, count), load_some(bias + c, count));
      store_some(out + r * columns + c, value, count);
    });
  }
}

void multiply_by(float* x, const float* y, int64_t count) {
  for_registers(count,
                [&](int64_t c, int64_t n) { store_some(x + c, mul(load_some(x + c, n), load_some(y + c, n)), n); });
}

void decode_half(const uint16_t* from, int64_t columns, float* to) {
  for_registers(columns, [&](int64_t c, int64_t count) {
    uint16_t part[kLanes] = {};
    const uint16_t* source = from + c;
    if (count < kLanes) {
      for (int64_t i = 0; i < count; ++i) part[i] = source[i];
      source = part;
    }
    store_some(to + c, load_half(source), count);
  });
}

void decode_bfloat16(const uint16_t* from, int64_t columns, float* to) {
  for_registers(columns, [&](int64_t c, int64_t count) {
    uint16_t part[kLanes] = {};
    const uint16_t* source = from + c;
    if (count < kLanes) {
      for (int64_t i = 0; i < count; ++i) part[i] = source[i];
      source = part;
    }
    store_some(to + c, load_bfloat16(source), count);
  });
}

void decode_int8(const int8_t* from, int64_t columns, float scale, float* to) {
  for_registers(columns, [&](int64_t c, int64_t count) {
    int8_t part[kLanes] = {};
    const int8_t* source = from + c;
    if (count < kLanes) {
      for (int64_t i = 0; i < count; ++i) part[i] = source[i];
      source = part;
    }
    store_some(to + c, mul(load_int8(source), all(scale)), count);
  });
}

}  // namespace
