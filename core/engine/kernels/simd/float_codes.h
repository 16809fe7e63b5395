#pragma once
// Float rows times packed codes; include after vector.h, partial.h and codes.h. A chunk of codes becomes floats in
// cache, once for all rows; the scale of a column waits until its sums are done.

namespace {

using espalier::kernels::CodeArgs;
using espalier::kernels::kCodeChunk;
using espalier::kernels::kCodePanel;

// Columns and rows of sums that stay in registers.
constexpr int64_t kSumColumns = 2 * kLanes;
constexpr int kSumRows = kLanes == 16 ? 12 : 6;

inline void decode_chunk(const uint8_t* codes, int64_t bits, float* to) {
  int8_t bytes[kCodesOfChunk];
  const auto* from = reinterpret_cast<const int8_t*>(codes);
  if (bits < 8) {
    unpack_chunk(codes, bits, bytes);
    from = bytes;
  }
  for (int64_t i = 0; i < kCodesOfChunk; i += kLanes) store(to + i, load_int8(from + i));
}

// `count` columns of R rows; weights(chunk) gives (64, 32) floats of which the first two registers of each row are
// used.
template <int R, typename Weights>
inline void multiply_float_block(const float* x, int64_t depth, Weights weights, const float* scale, const float* bias,
                                 float* y, int64_t y_stride, int64_t count) {
  Floats sum[R][2];
  for (int r = 0; r < R; ++r) sum[r][0] = sum[r][1] = zero();
  for (int64_t first = 0; first < depth; first += kCodeChunk) {
    const float* w = weights(first / kCodeChunk);
    const int64_t end = depth - first < kCodeChunk ? depth - first : kCodeChunk;
    for (int64_t k = 0; k < end; ++k, w += kCodePanel) {
      const Floats left = load(w);
      const Floats right = load(w + kLanes);
      for (int r = 0; r < R; ++r) {
        const Floats value = all(x[r * depth + first + k]);
        sum[r][0] = fma(value, left, sum[r][0]);
        sum[r][1] = fma(value, right, sum[r][1]);
      }
    }
  }
  for (int i = 0; i < 2 && i * kLanes < count; ++i) {
    const int64_t at = i * kLanes;
    const int64_t some = count - at < kLanes ? count - at : kLanes;
    const Floats factor = load_some(scale + at, some);
    const Floats shift = bias ? load_some(bias + at, some) : zero();
    for (int r = 0; r < R; ++r) store_some(y + r * y_stride + at, fma(sum[r][i], factor, shift), some);
  }
}

void multiply_float_codes(const float* x, const float* column_scale, const CodeArgs& args) {
  const int64_t chunks = (args.depth + kCodeChunk - 1) / kCodeChunk;
  const int64_t chunk_bytes = kCodesOfChunk / 8 * args.bits;
  auto* decoded = static_cast<float*>(args.scratch);
  // When nothing reads a chunk again, the next takes its place.
  const int64_t kept = args.rows <= kSumRows && kSumColumns == kCodePanel ? 1 : chunks;
  for (int64_t panel = 0; panel < args.columns; panel += kCodePanel) {
    const uint8_t* codes = args.codes + panel / kCodePanel * chunks * chunk_bytes;
    int64_t blocks = (args.rows + kSumRows - 1) / kSumRows;
    for (int64_t r = 0; r < args.rows; --blocks) {
      const int64_t height = (args.rows - r + blocks - 1) / blocks;
      for (int64_t c = panel; c < args.columns && c < panel + kCodePanel; c += kSumColumns) {
        const bool first = r == 0 && c == panel;
        const auto weights = [&](int64_t chunk) {
          float* at = decoded + (kept == 1 ? 0 : chunk) * kCodesOfChunk;
          if (first) decode_chunk(codes + chunk * chunk_bytes, args.bits, at);
          return at + (c - panel);
        };
        const int64_t count = args.columns - c < kSumColumns ? args.columns - c : kSumColumns;
        with_rows<kSumRows>(height, [&]<int R>() {
          multiply_float_block<R>(x + r * args.depth, args.depth, weights, column_scale + c,
                                  args.bias ? args.bias + c : nullptr, args.y + r * args.columns + c, args.columns,
                                  count);
        });
      }
      r += height;
    }
  }
}

}  // namespace
