#pragma once
// The loops that the engine runs itself, one table a processor. Plain C types only: files with instruction-set flags
// include this, and must not share inline code with the rest of the program.
// Letters: r rows (tokens), c columns (features), n keys of one sequence, h head size. All matrices are row-major.

#include <stdint.h>

namespace espalier::kernels {

enum class Activation : int32_t { None, Gelu, GeluTanh, Relu, Silu, Tanh };

// One head of one sequence: out = softmax(scale * q k^T + relative) v, for `queries` of its n tokens.
struct AttentionArgs {
  const float* q;        // (queries, h), row stride q_stride
  const float* k;        // (n, h)
  const float* v;        // (n, h)
  float* out;            // (queries, h)
  float* probabilities;  // (queries, n) contiguous, or null
  float* scratch;        // attention_scratch(n, h) floats, 64-byte aligned
  int64_t q_stride;
  int64_t kv_stride;
  int64_t out_stride;
  int64_t queries;
  int64_t keys;
  int64_t head_dim;
  float scale;
  const float* relative = nullptr;  // or what query i adds to the score of key j: relative[j - i]
  bool causal = false;              // query i sees the keys up to past + i alone
  int64_t past = 0;
};

// How an integer product becomes float: value = (sum - compensation[c]) * row_scale[r] * column_scale[c].
struct IntegerScales {
  const float* row;             // (r)
  const float* column;          // (c)
  const int32_t* compensation;  // (c) 128 * sum of the weight codes of the column: undoes the zero point of the input
};

// Int8 products that end as floats: y (r, c) = activation((sum - compensation) * scales + bias).
struct TileProducts {
  const char* name;
  int64_t (*packed_bytes)(int64_t depth, int64_t columns);
  // w (c, k)
  void (*pack)(const int8_t* w, int64_t depth, int64_t columns, int8_t* packed);
  // x (r, k) with rows `stride` bytes apart, readable, whatever it holds, up to a multiple of kTileRowMultiple rows and
  // of kTileDepthMultiple bytes in each.
  void (*multiply)(const uint8_t* x, int64_t stride, const int8_t* packed, int64_t rows, int64_t depth, int64_t columns,
                   const IntegerScales& scales, const float* bias, Activation activation, float* y);
};
constexpr int64_t kTileRowMultiple = 16;
constexpr int64_t kTileDepthMultiple = 64;

struct Table {
  const char* name;

  // x (r, c) = activation(x + bias), in place; bias (c) or null.
  void (*bias_activation)(float* x, int64_t rows, int64_t columns, const float* bias, Activation activation);

  // x (r, c) of int32 sums becomes float activation(value + bias) in place (both are 4 bytes); bias (c) or null.
  void (*dequantize)(void* x, int64_t rows, int64_t columns, const IntegerScales& scales, const float* bias,
                     Activation activation);

  // maximum[i] = max |x[i, :]|
  void (*row_max_abs)(const float* x, int64_t rows, int64_t columns, float* maximum);

  // codes[i, j] = 128 + clamp(round(x[i, j] * 127 / maximum[i]), -127, 127), scale[i] = maximum[i] / 127.
  // A row of zeros gets codes 128 and scale 1 / 127. maximum and scale may be one array.
  void (*quantize)(const float* x, int64_t rows, int64_t columns, const float* maximum, uint8_t* codes, float* scale);

  // out (r, c) = norm(x + residual + shift) * weight + bias over each row; residual (r, c) and shift (c) may be null;
  // out may be x or residual. The variance is the mean of squares about the mean.
  void (*add_norm)(const float* x, const float* residual, const float* shift, const float* weight, const float* bias,
                   float epsilon, int64_t rows, int64_t columns, float* out);

  // out (r, c) = (x + residual) / root mean square of its row * weight; residual may be null; out may be either.
  void (*add_rms_norm)(const float* x, const float* residual, const float* weight, float epsilon, int64_t rows,
                       int64_t columns, float* out);
  // out (r, c) = (x + residual + shift) * weight + bias; residual (r, c), shift (c), and weight with bias (c) may be
  // null; out may be x or residual.
  void (*add_affine)(const float* x, const float* residual, const float* shift, const float* weight, const float* bias,
                     int64_t rows, int64_t columns, float* out);
  // x *= y, element by element.
  void (*multiply_by)(float* x, const float* y, int64_t count);

  void (*attention)(const AttentionArgs& args);
  // Floats that `attention` needs.
  int64_t (*attention_scratch)(int64_t keys, int64_t head_dim);

  // One row of an embedding table to float.
  void (*decode_half)(const uint16_t* from, int64_t columns, float* to);
  void (*decode_bfloat16)(const uint16_t* from, int64_t columns, float* to);
  void (*decode_int8)(const int8_t* from, int64_t columns, float scale, float* to);

  // Products; null where oneDNN does them.
  // y (r, c) = x (r, k) w^T + bias, w (c, k).
  void (*multiply_float)(const float* x, const float* w, const float* bias, int64_t rows, int64_t depth,
                         int64_t columns, float* y);
  // Exact int32 sums y (r, c) = x (r, k) w^T with x unsigned and w as pack_int8 left it.
  void (*multiply_int8)(const uint8_t* x, const int8_t* w, int64_t rows, int64_t depth, int64_t columns, int32_t* y);
  // Bytes of a packed matrix, and the packing of w (c, k).
  int64_t (*packed_int8_bytes)(int64_t depth, int64_t columns);
  void (*pack_int8)(const int8_t* w, int64_t depth, int64_t columns, int8_t* packed);
  // In place of multiply_int8 and dequantize where there is a matrix unit; else null.
  const TileProducts* tiles = nullptr;
};

const Table& reference_table();
#ifdef __x86_64__
const Table& avx2_table();
const Table& avx512_table();
const TileProducts& amx_products();
#endif

// What the processor can do, asked once.
struct Processor {
  bool avx2 = false;      // with fma and f16c
  bool avx512 = false;    // f, bw, vl, dq
  bool int8_dot = false;  // avx512 vnni or avx vnni: exact 8-bit dot products
  bool amx = false;       // avx512 and amx-int8, which the system lets this process use
};
const Processor& processor();

// The best of the tables for this processor. Its multiply_int8 is null only where the library's product is exact.
const Table& fastest_table();
// The same without a matrix unit.
const Table& widest_vector_table();

}  // namespace espalier::kernels
