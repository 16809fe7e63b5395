#pragma once
// Products by matrices whose zeros are left out; include after vector.h and partial.h. Rows of x stand in the lanes of
// registers: a weight that is kept costs one multiplication a register, and its input is found by its place.

namespace {

using espalier::kernels::kSparseChunk;
using espalier::kernels::kSparseColumns;
using espalier::kernels::kSparseRows;
using espalier::kernels::SparseArgs;

// Up to so many rows are not worth a place in the lanes.
constexpr int kGatheredRows = 2;
// Bands of four columns: rows that share a register with them.
constexpr int64_t kQuad = 4;
constexpr int kQuads = 3;

// to (columns, rows) = from (rows, columns), rows apart by their strides.
inline void transpose(const float* from, int64_t from_stride, int64_t rows, int64_t columns, float* to,
                      int64_t to_stride) {
  int64_t r = 0;
  for (; r + kLanes <= rows; r += kLanes) {
    int64_t c = 0;
    for (; c + kLanes <= columns; c += kLanes) {
      transpose_block(from + r * from_stride + c, from_stride, to + c * to_stride + r, to_stride);
    }
    for (; c < columns; ++c) {
      for (int64_t i = r; i < r + kLanes; ++i) to[c * to_stride + i] = from[i * from_stride + c];
    }
  }
  for (; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) to[c * to_stride + r] = from[r * from_stride + c];
  }
}

// Sums of a band of B columns for V registers of rows. Few registers would wait for each other's sums, so strips then
// go to several sets of them in turn.
template <int B, int V>
struct BandSums {
  static constexpr int kSets = B * V < 4 ? 4 / (B * V) : 1;
  Floats sum[kSets][B][V];

  void begin(const float* bias, int64_t count) {
    clear(0);
    for (int b = 0; b < B && bias; ++b) {
      for (int v = 0; v < V; ++v) sum[0][b][v] = all(b < count ? bias[b] : 0.0F);
    }
  }
  void load_from(const float* from) {
    clear(1);
    for (int b = 0; b < B; ++b) {
      for (int v = 0; v < V; ++v) sum[0][b][v] = load(from + (b * V + v) * kLanes);
    }
  }
  void store_to(float* to) const {
    for (int b = 0; b < B; ++b) {
      for (int v = 0; v < V; ++v) {
        Floats total = sum[0][b][v];
        for (int set = 1; set < kSets; ++set) total = add(total, sum[set][b][v]);
        store(to + (b * V + v) * kLanes, total);
      }
    }
  }
  // Strips [at, end) of one chunk, whose inputs (256, V registers) are x. Called out of line it would keep the sums in
  // memory.
  [[gnu::always_inline]] void add_strips(const SparseArgs& args, uint32_t at, uint32_t end, const float* x) {
    for (; at + kSets <= end; at += kSets) {
      for (int set = 0; set < kSets; ++set) add_strip(args, at + static_cast<uint32_t>(set), x, set);
    }
    for (; at < end; ++at) add_strip(args, at, x, 0);
  }

 private:
  void clear(int first) {
    for (int set = first; set < kSets; ++set) {
      for (int b = 0; b < B; ++b) {
        for (int v = 0; v < V; ++v) sum[set][b][v] = zero();
      }
    }
  }
  [[gnu::always_inline]] void add_strip(const SparseArgs& args, uint32_t at, const float* x, int set) {
    const float* input = x + args.inputs[at] * (V * kLanes);
    Floats in[V];
    for (int v = 0; v < V; ++v) in[v] = load(input + v * kLanes);
    for (int b = 0; b < B; ++b) {
      const Floats weight = all(args.values[static_cast<int64_t>(at) * B + b]);
      for (int v = 0; v < V; ++v) sum[set][b][v] = fma(weight, in[v], sum[set][b][v]);
    }
  }
};

// y (columns, V registers of rows) of bands [begin, end).
template <int B, int V>
inline void multiply_band_block(const SparseArgs& args, int64_t begin, int64_t end, const float* x, float* y) {
  constexpr int64_t kRows = V * kLanes;
  const int64_t bands = (args.columns + B - 1) / B;
  BandSums<B, V> sums;
  const auto begin_band = [&](int64_t band) {
    sums.begin(args.bias ? args.bias + band * B : nullptr, args.columns - band * B);
  };
  const auto add_chunk = [&](int64_t k, int64_t band) {
    const uint32_t* at = args.starts + k / kSparseChunk * bands + band;
    sums.add_strips(args, at[0], at[1], x + k * kRows);
  };
  if constexpr (V == 1) {
    // Few rows: all inputs are near, and the sums stay in registers.
    for (int64_t band = begin; band < end; ++band) {
      begin_band(band);
      for (int64_t k = 0; k < args.depth; k += kSparseChunk) add_chunk(k, band);
      sums.store_to(y + (band - begin) * B * kRows);
    }
    return;
  }
  // One chunk of the inputs stays in the first cache for all bands.
  for (int64_t k = 0; k < args.depth; k += kSparseChunk) {
    for (int64_t band = begin; band < end; ++band) {
      float* to = y + (band - begin) * B * kRows;
      if (k == 0) {
        begin_band(band);
      } else {
        sums.load_from(to);
      }
      add_chunk(k, band);
      sums.store_to(to);
    }
  }
}

// Up to V registers of rows, beginning with row r.
template <int B, int V>
void multiply_sparse_rows(const SparseArgs& args, int64_t r, int64_t height) {
  constexpr int64_t kRows = V * kLanes;
  float* x = args.scratch;
  float* y = x + args.depth * kRows;
  if (height < kRows) {
    for (int64_t i = 0; i < args.depth * kRows; i += kLanes) store(x + i, zero());
  }
  transpose(args.x + r * args.depth, args.depth, height, args.depth, x, kRows);
  for (int64_t c = 0; c < args.columns; c += kSparseColumns) {
    const int64_t count = args.columns - c < kSparseColumns ? args.columns - c : kSparseColumns;
    multiply_band_block<B, V>(args, c / B, (c + count + B - 1) / B, x, y);
    transpose(y, kRows, count, height, args.y + r * args.columns + c, args.columns);
  }
}

// R rows as they stand, in bands of one column: the weights of a column in the lanes, their inputs gathered.
template <int R>
void multiply_gathered(const SparseArgs& args) {
  for (int64_t c = 0; c < args.columns; ++c) {
    Floats sum[R];
    for (int r = 0; r < R; ++r) sum[r] = zero();
    const uint32_t* at = args.starts + c;
    for (int64_t k = 0; k < args.depth; k += kSparseChunk, at += args.columns) {
      for (uint32_t strip = at[0]; strip < at[1]; strip += kLanes) {
        const int64_t left = static_cast<int64_t>(at[1]) - strip;
        const int64_t count = left < kLanes ? left : kLanes;
        const Ints places = load_places(args.inputs + strip, count);
        const Floats weights = load_first(args.values + strip, count);
        for (int r = 0; r < R; ++r) sum[r] = fma(weights, gather(args.x + r * args.depth + k, places), sum[r]);
      }
    }
    for (int r = 0; r < R; ++r) args.y[r * args.columns + c] = sum_of(sum[r]) + (args.bias ? args.bias[c] : 0.0F);
  }
}

// Sums of a band of four columns for G quads of rows: a register holds four rows of each of its columns.
template <int G>
struct QuadSums {
  static constexpr int64_t kParts = kQuad * kQuad / kLanes;  // registers of a band
  static constexpr int kSets = G == 1 ? 4 : 2;               // as in BandSums
  Floats sum[kSets][kParts][G];

  [[gnu::always_inline]] void begin(const float* bias, int64_t count) {
    float shift[kQuad] = {};
    for (int64_t b = 0; b < kQuad && b < count && bias; ++b) shift[b] = bias[b];
    for (int set = 0; set < kSets; ++set) {
      for (int part = 0; part < kParts; ++part) {
        for (int g = 0; g < G; ++g) {
          sum[set][part][g] = set == 0 ? each_four_times(shift + part * (kQuad / kParts)) : zero();
        }
      }
    }
  }
  // As in BandSums; x (256, 4 G).
  [[gnu::always_inline]] void add_strips(const SparseArgs& args, uint32_t at, uint32_t end, const float* x) {
    for (; at + kSets <= end; at += kSets) {
      for (int set = 0; set < kSets; ++set) add_strip(args, at + static_cast<uint32_t>(set), x, set);
    }
    for (; at < end; ++at) add_strip(args, at, x, 0);
  }
  // to (columns, 4) for each quad of rows, `apart` floats from one to the next.
  [[gnu::always_inline]] void store_to(float* to, int64_t apart) const {
    for (int part = 0; part < kParts; ++part) {
      for (int g = 0; g < G; ++g) {
        Floats total = sum[0][part][g];
        for (int set = 1; set < kSets; ++set) total = add(total, sum[set][part][g]);
        store(to + g * apart + part * kLanes, total);
      }
    }
  }

 private:
  [[gnu::always_inline]] void add_strip(const SparseArgs& args, uint32_t at, const float* x, int set) {
    const float* input = x + args.inputs[at] * (G * kQuad);
    const float* weights = args.values + static_cast<int64_t>(at) * kQuad;
    for (int part = 0; part < kParts; ++part) {
      const Floats weight = each_four_times(weights + part * (kQuad / kParts));
      for (int g = 0; g < G; ++g) {
        sum[set][part][g] = fma(weight, repeat_four(input + g * kQuad), sum[set][part][g]);
      }
    }
  }
};

// Up to 4 G rows, beginning with row r, in bands of four columns: too few to fill the lanes by themselves.
template <int G>
void multiply_quads(const SparseArgs& args, int64_t r, int64_t height) {
  constexpr int64_t kRows = G * kQuad;
  constexpr int64_t kApart = kSparseColumns * kQuad;
  const int64_t bands = (args.columns + kQuad - 1) / kQuad;
  float* x = args.scratch;
  float* y = x + args.depth * kRows;
  for (int64_t i = 0; height < kRows && i < args.depth * kRows; ++i) x[i] = 0;
  transpose(args.x + r * args.depth, args.depth, height, args.depth, x, kRows);
  for (int64_t c = 0; c < args.columns; c += kSparseColumns) {
    const int64_t count = args.columns - c < kSparseColumns ? args.columns - c : kSparseColumns;
    for (int64_t band = c / kQuad; band * kQuad < c + count; ++band) {
      QuadSums<G> sums;
      sums.begin(args.bias ? args.bias + band * kQuad : nullptr, args.columns - band * kQuad);
      const uint32_t* at = args.starts + band;
      for (int64_t k = 0; k < args.depth; k += kSparseChunk, at += bands) {
        sums.add_strips(args, at[0], at[1], x + k * kRows);
      }
      sums.store_to(y + (band * kQuad - c) * kQuad, kApart);
    }
    for (int64_t first = 0; first < height; first += kQuad) {
      const int64_t rows = height - first < kQuad ? height - first : kQuad;
      transpose(y + first / kQuad * kApart, kQuad, count, rows, args.y + (r + first) * args.columns + c, args.columns);
    }
  }
}

template <int B>
void multiply_bands(const SparseArgs& args) {
  constexpr int kMost = B == 1 ? kSparseRows / kLanes : 4;
  for (int64_t r = 0; r < args.rows; r += kMost * kLanes) {
    const int64_t height = args.rows - r < kMost * kLanes ? args.rows - r : kMost * kLanes;
    if (B == 1 && height <= kGatheredRows) {
      SparseArgs rest = args;
      rest.x += r * args.depth;
      rest.y += r * args.columns;
      with_rows<kGatheredRows>(height, [&]<int R>() { multiply_gathered<R>(rest); });
    } else if (B == kQuad && height <= kQuads * kQuad) {
      with_rows<kQuads>((height + kQuad - 1) / kQuad, [&]<int G>() { multiply_quads<G>(args, r, height); });
    } else if (height <= kLanes) {
      multiply_sparse_rows<B, 1>(args, r, height);
    } else if (height <= 2 * kLanes) {
      multiply_sparse_rows<B, 2>(args, r, height);
    } else if (height <= 4 * kLanes) {
      multiply_sparse_rows<B, 4>(args, r, height);
    } else {
      multiply_sparse_rows<B, kMost>(args, r, height);
    }
  }
}

void multiply_sparse(const SparseArgs& args) {
  if (args.depth == 0) {
    for (int64_t i = 0; i < args.rows * args.columns; ++i) args.y[i] = args.bias ? args.bias[i % args.columns] : 0.0F;
    return;
  }
  if (args.band == 1) return multiply_bands<1>(args);
  multiply_bands<4>(args);
}

}  // namespace
