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
  float* scratch;        // Table::attention_scratch(n, h) floats, 64-byte aligned
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

// Codes of 2..8 bits as they stand in memory, bits / 8 bytes each. They come in panels of 32 columns, each cut into
// chunks of 64 of the depth: 2048 codes, zeros where the matrix has none. In a chunk they are ordered
//   for integer products: by the two halves of 16 columns, (16 groups of four of the depth, 16 columns, 4);
//   for float products: (64 of the depth, 32 columns).
// A code is taken as the top bits of a byte, code << (8 - bits): a byte that counts 2^(8 - bits) times the code, sign
// included. Of each 256 such bytes, four registers of 64, there stand behind each other
//   the top four bits, when there are four: 64 bytes of register 0 (high half) and 1 (low half), 64 of 2 and 3;
//   the next two bits, when bits has a two in it: 64 bytes, register 0 highest;
//   the next bit, when bits is odd: 8 bytes a register, a bit an element.
// At 8 bits the bytes stand as they are.
constexpr int64_t kCodePanel = 32;
constexpr int64_t kCodeChunk = 64;
constexpr int64_t kCodesOfChunk = kCodePanel * kCodeChunk;
constexpr int64_t kCodesOfUnit = 256;
// Scratch of a product by codes: this many bytes for each chunk of the depth, 64-byte aligned.
constexpr int64_t kCodeScratch = kCodesOfChunk * 4;

// One product by packed codes; they are unpacked a chunk at a time.
struct CodeArgs {
  const uint8_t* codes;
  int64_t bits;
  int64_t rows;
  int64_t depth;
  int64_t columns;
  const float* bias;  // (c) or null
  float* y;           // (r, c)
  void* scratch;
};

// y (r, c) = x (r, k) w^T + bias by a matrix whose zeros are left out. Columns of y go in bands of 1 or of 4 that read
// the same inputs; a strip is one input of a band, with a weight for each of its columns. The depth is cut into chunks
// of 256, and the strips of a chunk stand together: chunk by chunk, band by band, input by input.
constexpr int64_t kSparseChunk = 256;
// Rows and columns that go through at once.
constexpr int64_t kSparseRows = 64;
constexpr int64_t kSparseColumns = 2048;
struct SparseArgs {
  const uint32_t* starts;  // (chunks * bands + 1) where the strips of a band in a chunk begin
  const uint8_t* inputs;   // (strips) place of the input in its chunk
  const float* values;     // (strips, band); zeros behind the last column
  int64_t band;            // 1 or 4
  int64_t rows;
  int64_t depth;
  int64_t columns;
  const float* x;
  const float* bias;  // (c) or null
  float* y;
  float* scratch;  // kSparseRows * (k + kSparseColumns), 64-byte aligned
};

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
  // The same with both products of bfloat16 numbers (8 significant bits, sums in float32), for queries, keys and values
  // that come of 8-bit inputs anyway. A score is within 2^-8 of the sum of its products' magnitudes, and an output
  // within 2^-8 of that of its own, for the probabilities that these scores give. Null where the processor has no such
  // product.
  void (*attention_in_bfloat16)(const AttentionArgs& args) = nullptr;
  // Floats that either needs.
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

  // Products by packed codes, whose bytes count 2^(8 - bits) times the code in sums, compensations and scales.
  // y = activation((x w^T - compensation) * scales + bias) with exact sums; x (r, k) as TileProducts::multiply reads
  // it.
  void (*multiply_codes)(const uint8_t* x, int64_t stride, const IntegerScales& scales, Activation activation,
                         const CodeArgs& args);
  const char* codes_name;  // of what multiplies
  // y = x w^T * column_scale + bias with x (r, k) float.
  void (*multiply_float_codes)(const float* x, const float* column_scale, const CodeArgs& args);
  void (*multiply_sparse)(const SparseArgs& args);
};

const Table& reference_table();
#ifdef __x86_64__
const Table& avx2_table();
const Table& avx512_table();
const TileProducts& amx_products();
// Table::attention_in_bfloat16 of sixteen lanes.
void attention_in_bfloat16(const AttentionArgs& args);
// Table::multiply_codes on tiles, and with 8-bit dot products.
void multiply_codes_on_tiles(const uint8_t* x, int64_t stride, const IntegerScales& scales, Activation activation,
                             const CodeArgs& args);
void multiply_codes_by_dots(const uint8_t* x, int64_t stride, const IntegerScales& scales, Activation activation,
                            const CodeArgs& args);
#endif

// What the processor can do, asked once.
struct Processor {
  bool avx2 = false;      // with fma and f16c
  bool avx512 = false;    // f, bw, vl, dq
  bool int8_dot = false;  // avx512 vnni or avx vnni: exact 8-bit dot products
  bool bfloat16 = false;  // avx512 bf16: products of bfloat16 pairs
  bool amx = false;       // avx512 and amx-int8, which the system lets this process use
};
const Processor& processor();

// The best of the tables for this processor. Its multiply_int8 is null only where the library's product is exact.
const Table& fastest_table();
// The same without a matrix unit.
const Table& widest_vector_table();

}  // namespace espalier::kernels
