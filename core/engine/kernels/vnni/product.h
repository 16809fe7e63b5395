#pragma once
// Packed codes times 8-bit rows with the dot products of AVX-512 VNNI.

namespace {

using espalier::kernels::CodeArgs;
using espalier::kernels::kCodeChunk;
using espalier::kernels::kCodePanel;

constexpr int kDotRows = 12;
constexpr int64_t kDotColumns = 16;

// Int32 sums of 32 columns of R rows; weights(chunk) gives its bytes.
template <int R, typename Weights>
inline void multiply_dots(const uint8_t* x, int64_t stride, int64_t chunks, Weights weights, int32_t* y,
                          int64_t y_stride, int64_t count) {
  Ints sum[R][2];
  for (int r = 0; r < R; ++r) sum[r][0] = sum[r][1] = _mm512_setzero_si512();
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    const int8_t* w = weights(chunk);
    for (int64_t k = 0; k < kCodeChunk; k += 4, w += 4 * kDotColumns) {
      const Ints left = _mm512_loadu_si512(w);
      const Ints right = _mm512_loadu_si512(w + kDotColumns * kCodeChunk);
      for (int r = 0; r < R; ++r) {
        int32_t four;
        __builtin_memcpy(&four, x + r * stride + chunk * kCodeChunk + k, sizeof four);
        const Ints value = _mm512_set1_epi32(four);
        sum[r][0] = _mm512_dpbusd_epi32(sum[r][0], value, left);
        sum[r][1] = _mm512_dpbusd_epi32(sum[r][1], value, right);
      }
    }
  }
  const int64_t first = count < kDotColumns ? count : kDotColumns;
  for (int r = 0; r < R; ++r) {
    _mm512_mask_storeu_epi32(y + r * y_stride, first_lanes(first), sum[r][0]);
    _mm512_mask_storeu_epi32(y + r * y_stride + first, first_lanes(count - first), sum[r][1]);
  }
}

void multiply_codes(const uint8_t* x, int64_t stride, const IntegerScales& scales, Activation activation,
                    const CodeArgs& args) {
  const int64_t chunks = (args.depth + kCodeChunk - 1) / kCodeChunk;
  const int64_t chunk_bytes = kCodesOfChunk / 8 * args.bits;
  auto* unpacked = static_cast<int8_t*>(args.scratch);
  // When nothing reads a chunk again, the next takes its place.
  const int64_t kept = args.rows <= kDotRows ? 1 : chunks;
  for (int64_t c = 0; c < args.columns; c += kCodePanel) {
    const uint8_t* codes = args.codes + c / kCodePanel * chunks * chunk_bytes;
    const int64_t count = args.columns - c < kCodePanel ? args.columns - c : kCodePanel;
    int64_t blocks = (args.rows + kDotRows - 1) / kDotRows;
    for (int64_t r = 0; r < args.rows; --blocks) {
      const int64_t height = (args.rows - r + blocks - 1) / blocks;
      const auto weights = [&](int64_t chunk) {
        int8_t* at = unpacked + (kept == 1 ? 0 : chunk) * kCodesOfChunk;
        if (r == 0) unpack_chunk(codes + chunk * chunk_bytes, args.bits, at);
        return at;
      };
      with_rows<kDotRows>(height, [&]<int R>() {
        multiply_dots<R>(x + r * stride, stride, chunks, weights,
                         reinterpret_cast<int32_t*>(args.y) + r * args.columns + c, args.columns, count);
      });
      r += height;
    }
  }
  dequantize(args.y, args.rows, args.columns, scales, args.bias, activation);
}

}  // namespace
