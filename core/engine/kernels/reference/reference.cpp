// The meaning of every kernel, as plain loops. Sums are in double, so that a fast kernel is compared with something
// better than itself.

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/tensor.h"
#include "engine/kernels/kernels.h"
#include "engine/kernels/reference/codes.h"

namespace espalier::kernels {

namespace {

double activate(double x, Activation activation) {
  switch (activation) {
    case Activation::None:
      return x;
    case Activation::Gelu:
      return 0.5 * x * (1 + std::erf(x * M_SQRT1_2));
    case Activation::GeluTanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::Relu:
      return x > 0 ? x : 0;
    case Activation::Silu:
      return x / (1 + std::exp(-x));
    case Activation::Tanh:
      return std::tanh(x);
  }
  return x;
}

void bias_activation(float* x, int64_t rows, int64_t columns, const float* bias, Activation activation) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      float& value = x[r * columns + c];
      value = static_cast<float>(activate(value + (bias ? bias[c] : 0.0F), activation));
    }
  }
}

void dequantize(void* x, int64_t rows, int64_t columns, const IntegerScales& scales, const float* bias,
                Activation activation) {
  auto* bytes = static_cast<unsigned char*>(x);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      unsigned char* at = bytes + 4 * (r * columns + c);
      int32_t sum;
      std::memcpy(&sum, at, 4);
      const float product = static_cast<float>(sum - scales.compensation[c]);
      const float value = product * (scales.row[r] * scales.column[c]) + (bias ? bias[c] : 0.0F);
      const auto result = static_cast<float>(activate(value, activation));
      std::memcpy(at, &result, 4);
    }
  }
}

void row_max_abs(const float* x, int64_t rows, int64_t columns, float* maximum) {
  for (int64_t r = 0; r < rows; ++r) {
    float most = 0;
    for (int64_t c = 0; c < columns; ++c) most = std::max(most, std::fabs(x[r * columns + c]));
    maximum[r] = most;
  }
}

void quantize(const float* x, int64_t rows, int64_t columns, const float* maximum, uint8_t* codes, float* scale) {
  for (int64_t r = 0; r < rows; ++r) {
    const float range = maximum[r] > 0 ? maximum[r] : 1.0F;
    const float inverse = 127.0F / range;
    for (int64_t c = 0; c < columns; ++c) {
      const float code = std::nearbyint(x[r * columns + c] * inverse);
      const float clamped = code > -127.0F ? std::min(code, 127.0F) : -127.0F;  // not a number: -127
      codes[r * columns + c] = static_cast<uint8_t>(128 + static_cast<int>(clamped));
    }
    scale[r] = range / 127.0F;
  }
}

void add_norm(const float* x, const float* residual, const float* shift, const float* weight, const float* bias,
              float epsilon, int64_t rows, int64_t columns, float* out) {
  for (int64_t r = 0; r < rows; ++r) {
    const auto sum_at = [&](int64_t c) {
      float value = x[r * columns + c];
      if (residual) value += residual[r * columns + c];
      if (shift) value += shift[c];
      return value;
    };
    double mean = 0;
    for (int64_t c = 0; c < columns; ++c) mean += sum_at(c);
    mean /= static_cast<double>(columns);
    double variance = 0;
    for (int64_t c = 0; c < columns; ++c) variance += (sum_at(c) - mean) * (sum_at(c) - mean);
    variance /= static_cast<double>(columns);
    const double inverse = 1 / std::sqrt(variance + epsilon);
    for (int64_t c = 0; c < columns; ++c) {
      out[r * columns + c] = static_cast<float>((sum_at(c) - mean) * inverse * weight[c] + bias[c]);
    }
  }
}

void add_rms_norm(const float* x, const float* residual, const float* weight, float epsilon, int64_t rows,
                  int64_t columns, float* out) {
  for (int64_t r = 0; r < rows; ++r) {
    const auto sum_at = [&](int64_t c) { return x[r * columns + c] + (residual ? residual[r * columns + c] : 0.0F); };
    double squares = 0;
    for (int64_t c = 0; c < columns; ++c) squares += static_cast<double>(sum_at(c)) * sum_at(c);
    const double inverse = 1 / std::sqrt(squares / static_cast<double>(columns) + epsilon);
    for (int64_t c = 0; c < columns; ++c) out[r * columns + c] = static_cast<float>(sum_at(c) * inverse * weight[c]);
  }
}

void add_affine(const float* x, const float* residual, const float* shift, const float* weight, const float* bias,
                int64_t rows, int64_t columns, float* out) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      double value = x[r * columns + c];
      if (residual) value += residual[r * columns + c];
      if (shift) value += shift[c];
      if (weight) value = value * weight[c] + bias[c];
      out[r * columns + c] = static_cast<float>(value);
    }
  }
}

void multiply_by(float* x, const float* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) x[i] *= y[i];
}

void attention(const AttentionArgs& args) {
  float* scores = args.scratch;
  for (int64_t i = 0; i < args.queries; ++i) {
    const float* q = args.q + i * args.q_stride;
    float most = -INFINITY;
    const int64_t seen = args.causal ? std::min(args.keys, args.past + i + 1) : args.keys;
    for (int64_t j = 0; j < seen; ++j) {
      const float* k = args.k + j * args.kv_stride;
      double sum = 0;
      for (int64_t d = 0; d < args.head_dim; ++d) sum += static_cast<double>(q[d]) * k[d];
      scores[j] = static_cast<float>(sum * args.scale + (args.relative ? args.relative[j - i] : 0.0F));
      most = std::max(most, scores[j]);
    }
    double total = 0;
    for (int64_t j = 0; j < seen; ++j) {
      scores[j] = std::exp(scores[j] - most);
      total += scores[j];
    }
    for (int64_t j = 0; j < seen; ++j) scores[j] = static_cast<float>(scores[j] / total);
    std::fill(scores + seen, scores + args.keys, 0.0F);
    if (args.probabilities) std::copy_n(scores, args.keys, args.probabilities + i * args.keys);
    for (int64_t d = 0; d < args.head_dim; ++d) {
      double sum = 0;
      for (int64_t j = 0; j < seen; ++j) sum += static_cast<double>(scores[j]) * args.v[j * args.kv_stride + d];
      args.out[i * args.out_stride + d] = static_cast<float>(sum);
    }
  }
}

int64_t attention_scratch(int64_t keys, int64_t) { return keys; }

void decode_half(const uint16_t* from, int64_t columns, float* to) {
  for (int64_t c = 0; c < columns; ++c) to[c] = float_from_half(from[c]);
}

void decode_bfloat16(const uint16_t* from, int64_t columns, float* to) {
  for (int64_t c = 0; c < columns; ++c) to[c] = float_from_bfloat16(from[c]);
}

void decode_int8(const int8_t* from, int64_t columns, float scale, float* to) {
  for (int64_t c = 0; c < columns; ++c) to[c] = static_cast<float>(from[c]) * scale;
}

void multiply_float(const float* x, const float* w, const float* bias, int64_t rows, int64_t depth, int64_t columns,
                    float* y) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      double sum = bias ? bias[c] : 0.0;
      for (int64_t k = 0; k < depth; ++k) sum += static_cast<double>(x[r * depth + k]) * w[c * depth + k];
      y[r * columns + c] = static_cast<float>(sum);
    }
  }
}

void multiply_int8(const uint8_t* x, const int8_t* w, int64_t rows, int64_t depth, int64_t columns, int32_t* y) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      int32_t sum = 0;
      for (int64_t k = 0; k < depth; ++k) sum += static_cast<int32_t>(x[r * depth + k]) * w[c * depth + k];
      y[r * columns + c] = sum;
    }
  }
}

int64_t packed_int8_bytes(int64_t depth, int64_t columns) { return depth * columns; }

void pack_int8(const int8_t* w, int64_t depth, int64_t columns, int8_t* packed) {
  std::copy_n(w, depth * columns, packed);
}

void multiply_sparse(const SparseArgs& args) {
  const int64_t bands = (args.columns + args.band - 1) / args.band;
  for (int64_t r = 0; r < args.rows; ++r) {
    for (int64_t c = 0; c < args.columns; ++c) {
      double sum = args.bias ? args.bias[c] : 0.0;
      for (int64_t k = 0; k < args.depth; k += kSparseChunk) {
        const uint32_t* at = args.starts + k / kSparseChunk * bands + c / args.band;
        for (uint32_t strip = at[0]; strip < at[1]; ++strip) {
          sum += static_cast<double>(args.x[r * args.depth + k + args.inputs[strip]]) *
                 args.values[strip * args.band + c % args.band];
        }
      }
      args.y[r * args.columns + c] = static_cast<float>(sum);
    }
  }
}

void multiply_codes(const uint8_t* x, int64_t stride, const IntegerScales& scales, Activation activation,
                    const CodeArgs& args) {
  plain_integer_sums(x, stride, args);
  dequantize(args.y, args.rows, args.columns, scales, args.bias, activation);
}

}  // namespace

const Table& reference_table() {
  static const Table table = {
      .name = "reference",
      .bias_activation = bias_activation,
      .dequantize = dequantize,
      .row_max_abs = row_max_abs,
      .quantize = quantize,
      .add_norm = add_norm,
      .add_rms_norm = add_rms_norm,
      .add_affine = add_affine,
      .multiply_by = multiply_by,
      .attention = attention,
      .attention_scratch = attention_scratch,
      .decode_half = decode_half,
      .decode_bfloat16 = decode_bfloat16,
      .decode_int8 = decode_int8,
      .multiply_float = multiply_float,
      .multiply_int8 = multiply_int8,
      .packed_int8_bytes = packed_int8_bytes,
      .pack_int8 = pack_int8,
      .multiply_codes = multiply_codes,
      .codes_name = "reference",
      .multiply_float_codes = plain_multiply_float_codes,
      .multiply_sparse = multiply_sparse,
  };
  return table;
}

}  // namespace espalier::kernels
