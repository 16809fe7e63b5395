#pragma once
// Int8 products on the matrix tiles of AMX (Intel architecture instruction set extensions, chapter "AMX"), made float
// on the way out. A tile holds 16 rows of 64 bytes; one instruction multiplies 16 rows by 16 columns over a depth
// of 64.

namespace {

using espalier::kernels::Activation;
using espalier::kernels::CodeArgs;
using espalier::kernels::IntegerScales;

constexpr int64_t kTileRows = 16;
constexpr int64_t kTileDepth = 64;
constexpr int64_t kTileBytes = 1024;
// Two tiles of columns by two of rows are summed at once: each tile that is loaded is used twice.
constexpr int64_t kPanel = 32;
constexpr int64_t kBlock = 32;
constexpr int64_t kLine = 64;

inline int64_t chunks_of(int64_t depth) { return (depth + kTileDepth - 1) / kTileDepth; }

// Packed: for each panel of 32 columns, each chunk of 64 of the depth, both tiles of columns: (16 groups of four, 16
// columns, 4). Zeros where there is nothing, so what lies behind a row of x does not count.
int64_t packed_tile_bytes(int64_t depth, int64_t columns) {
  return (columns + kPanel - 1) / kPanel * chunks_of(depth) * 2 * kTileBytes;
}

void pack_tiles(const int8_t* w, int64_t depth, int64_t columns, int8_t* packed) {
  for (int64_t panel = 0; panel < columns; panel += kPanel) {
    for (int64_t chunk = 0; chunk < depth; chunk += kTileDepth) {
      for (int64_t tile = panel; tile < panel + kPanel; tile += kTileRows) {
        for (int64_t group = chunk; group < chunk + kTileDepth; group += 4) {
          for (int64_t c = tile; c < tile + kTileRows; ++c) {
            for (int64_t k = group; k < group + 4; ++k) {
              *packed++ = c < columns && k < depth ? w[c * depth + k] : int8_t{0};
            }
          }
        }
      }
    }
  }
}

// What `ldtilecfg` reads: eight tiles of 16 rows of 64 bytes.
struct TileShapes {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t unused[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

// sums (16 R, 32) of R tiles of rows; weights(chunk) gives both tiles of a chunk, and may prepare what comes later.
template <int R, typename Weights>
inline void multiply_block(const uint8_t* x, int64_t stride, int64_t chunks, Weights weights, int32_t* sums) {
  _tile_zero(0);
  _tile_zero(1);
  if constexpr (R == 2) {
    _tile_zero(2);
    _tile_zero(3);
  }
  for (int64_t k = 0; k < chunks; ++k) {
    const int8_t* w = weights(k);
    _tile_loadd(4, w, 64);
    _tile_loadd(5, w + kTileBytes, 64);
    _tile_loadd(6, x + k * kTileDepth, stride);
    _tile_dpbusd(0, 6, 4);
    _tile_dpbusd(1, 6, 5);
    if constexpr (R == 2) {
      _tile_loadd(7, x + kTileRows * stride + k * kTileDepth, stride);
      _tile_dpbusd(2, 7, 4);
      _tile_dpbusd(3, 7, 5);
    }
  }
  constexpr int64_t kRowBytes = kPanel * 4;
  _tile_stored(0, sums, kRowBytes);
  _tile_stored(1, sums + kTileRows, kRowBytes);
  if constexpr (R == 2) {
    _tile_stored(2, sums + kTileRows * kPanel, kRowBytes);
    _tile_stored(3, sums + kTileRows * kPanel + kTileRows, kRowBytes);
  }
}

// y = activation((sums - compensation) * scales + bias) of `count` <= 16 columns; pointers are those of the first one.
template <Activation kKind>
inline void finish_columns(const int32_t* sums, int64_t rows, int64_t count, const float* row_scale,
                           const float* column_scale, const int32_t* compensation, const float* bias, float* y,
                           int64_t y_stride) {
  const Ints zero_point = load_ints(compensation, count);
  const Floats scale = load_some(column_scale, count);
  const Floats shift = bias ? load_some(bias, count) : zero();
  for (int64_t r = 0; r < rows; ++r) {
    const Floats sum = to_floats(subtract(_mm512_load_si512(sums + r * kPanel), zero_point));
    store_some(y + r * y_stride, activate<kKind>(fma(sum, mul(all(row_scale[r]), scale), shift)), count);
  }
}

// Sums of up to 32 rows and the columns of one panel that begins at column c, made float.
template <Activation kKind, typename Weights>
inline void multiply_panel(const uint8_t* x, int64_t stride, int64_t r, int64_t rows, int64_t c, int64_t columns,
                           int64_t chunks, Weights weights, const IntegerScales& scales, const float* bias, float* y) {
  alignas(64) int32_t sums[kBlock * kPanel];
  const int64_t height = rows - r < kBlock ? rows - r : kBlock;
  if (height > kTileRows) {
    multiply_block<2>(x + r * stride, stride, chunks, weights, sums);
  } else {
    multiply_block<1>(x + r * stride, stride, chunks, weights, sums);
  }
  for (int64_t at = c; at < columns && at < c + kPanel; at += kTileRows) {
    finish_columns<kKind>(sums + (at - c), height, columns - at < kTileRows ? columns - at : kTileRows, scales.row + r,
                          scales.column + at, scales.compensation + at, bias ? bias + at : nullptr,
                          y + r * columns + at, columns);
  }
}

template <Activation kKind>
void multiply_tiles_as(const uint8_t* x, int64_t stride, const int8_t* packed, int64_t rows, int64_t depth,
                       int64_t columns, const IntegerScales& scales, const float* bias, float* y) {
  alignas(64) const TileShapes shapes;
  _tile_loadconfig(&shapes);
  const int64_t chunks = chunks_of(depth);
  const int64_t panel_bytes = chunks * 2 * kTileBytes;
  const int64_t lines_of_chunk = 2 * kTileBytes / kLine;
  const int64_t blocks = (rows + kBlock - 1) / kBlock;
  const int64_t lines_of_block = (lines_of_chunk + blocks - 1) / blocks;
  for (int64_t c = 0; c < columns; c += kPanel) {
    const int8_t* panel = packed + c / kPanel * panel_bytes;
    const bool last = c + kPanel >= columns;
    for (int64_t r = 0; r < rows; r += kBlock) {
      // Each block of rows fetches its share of the next panel's lines.
      const int64_t first_line = r / kBlock * lines_of_block;
      const int64_t left = lines_of_chunk - first_line;
      const int64_t lines = last || left <= 0 ? 0 : left < lines_of_block ? left : lines_of_block;
      const auto weights = [&](int64_t chunk) {
        const int8_t* at = panel + chunk * 2 * kTileBytes;
        const int8_t* ahead = at + panel_bytes + first_line * kLine;
        for (int64_t line = 0; line < lines; ++line) _mm_prefetch(ahead + line * kLine, _MM_HINT_T1);
        return at;
      };
      multiply_panel<kKind>(x, stride, r, rows, c, columns, chunks, weights, scales, bias, y);
    }
  }
  _tile_release();
}

// A chunk is unpacked just before its turn, while the tiles multiply the one before. kOnce: one block of rows; a
// chunk's place is taken again. Else the panel stays unpacked for the blocks after the first.
template <Activation kKind, bool kOnce>
void multiply_codes_as(const uint8_t* x, int64_t stride, const IntegerScales& scales, const CodeArgs& args) {
  alignas(64) const TileShapes shapes;
  _tile_loadconfig(&shapes);
  const int64_t chunks = chunks_of(args.depth);
  const int64_t chunk_bytes = kCodesOfChunk / 8 * args.bits;
  auto* unpacked = static_cast<int8_t*>(args.scratch);
  const auto place = [&](int64_t chunk) { return unpacked + (kOnce ? chunk % 2 : chunk) * kCodesOfChunk; };
  for (int64_t c = 0; c < args.columns; c += kPanel) {
    const uint8_t* codes = args.codes + c / kPanel * chunks * chunk_bytes;
    const auto unpack_ahead = [&](int64_t chunk) {
      const int64_t next = chunk + 1;
      if (next < chunks) unpack_chunk(codes + next * chunk_bytes, args.bits, place(next));
      return place(chunk);
    };
    unpack_chunk(codes, args.bits, unpacked);
    multiply_panel<kKind>(x, stride, 0, args.rows, c, args.columns, chunks, unpack_ahead, scales, args.bias, args.y);
    for (int64_t r = kBlock; r < args.rows; r += kBlock) {
      multiply_panel<kKind>(x, stride, r, args.rows, c, args.columns, chunks, place, scales, args.bias, args.y);
    }
  }
  _tile_release();
}

void multiply_tiles(const uint8_t* x, int64_t stride, const int8_t* packed, int64_t rows, int64_t depth,
                    int64_t columns, const IntegerScales& scales, const float* bias, Activation activation, float* y) {
  switch (activation) {
    case Activation::None:
      return multiply_tiles_as<Activation::None>(x, stride, packed, rows, depth, columns, scales, bias, y);
    case Activation::Gelu:
      return multiply_tiles_as<Activation::Gelu>(x, stride, packed, rows, depth, columns, scales, bias, y);
    case Activation::GeluTanh:
      return multiply_tiles_as<Activation::GeluTanh>(x, stride, packed, rows, depth, columns, scales, bias, y);
    case Activation::Relu:
      return multiply_tiles_as<Activation::Relu>(x, stride, packed, rows, depth, columns, scales, bias, y);
    case Activation::Silu:
      return multiply_tiles_as<Activation::Silu>(x, stride, packed, rows, depth, columns, scales, bias, y);
    case Activation::Tanh:
      return multiply_tiles_as<Activation::Tanh>(x, stride, packed, rows, depth, columns, scales, bias, y);
  }
}

template <Activation kKind>
void multiply_codes_of(const uint8_t* x, int64_t stride, const IntegerScales& scales, const CodeArgs& args) {
  if (args.rows <= kBlock) return multiply_codes_as<kKind, true>(x, stride, scales, args);
  multiply_codes_as<kKind, false>(x, stride, scales, args);
}

void multiply_codes(const uint8_t* x, int64_t stride, const IntegerScales& scales, Activation activation,
                    const CodeArgs& args) {
  switch (activation) {
    case Activation::None:
      return multiply_codes_of<Activation::None>(x, stride, scales, args);
    case Activation::Gelu:
      return multiply_codes_of<Activation::Gelu>(x, stride, scales, args);
    case Activation::GeluTanh:
      return multiply_codes_of<Activation::GeluTanh>(x, stride, scales, args);
    case Activation::Relu:
      return multiply_codes_of<Activation::Relu>(x, stride, scales, args);
    case Activation::Silu:
      return multiply_codes_of<Activation::Silu>(x, stride, scales, args);
    case Activation::Tanh:
      return multiply_codes_of<Activation::Tanh>(x, stride, scales, args);
  }
}

}  // namespace
