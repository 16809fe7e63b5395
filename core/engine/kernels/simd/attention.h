#pragma once
// Attention of one head, in blocks of a few queries whose scores stay in the first cache; include after math.h.
// Keys are transposed and values copied once a call, so that both products read whole registers in order.

namespace {

using espalier::kernels::AttentionArgs;

// Queries of a block; both products keep their sums of all of them in registers.
constexpr int kQueryRows = 6;

inline int64_t whole_registers(int64_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

// What both products multiply: units of four bytes, `kDepth` neighbours along the sum in each.
struct FloatUnits {
  static constexpr int64_t kDepth = 1;

  static Floats multiply_add(Floats a, Floats b, Floats sum) { return fma(a, b, sum); }
  // A register of units from `count` floats in a row.
  static Floats along_row(const float* from, int64_t count) { return load_some(from, count); }
  // A register of units from `count` columns of kDepth rows, of which `rows` are there.
  static Floats down_columns(const float* from, int64_t /*stride*/, int64_t /*rows*/, int64_t count) {
    return load_some(from, count);
  }
};

template <class Units>
inline int64_t units(int64_t n) {
  return (n + Units::kDepth - 1) / Units::kDepth;
}

// Scratch, where primes are rounded up to whole registers and d = units(h): keys (d', n'), values (units(n), h'),
// queries (kQueryRows, d'), scores (kQueryRows, n').
inline int64_t attention_scratch(int64_t keys, int64_t head_dim) {
  const int64_t n = whole_registers(keys);
  const int64_t h = whole_registers(head_dim);
  return h * n + keys * h + kQueryRows * (h + n);
}

// to (d', n') = the transpose of from (n, h) in units along its rows, zeros where there is nothing.
template <class Units>
void transpose_keys(const float* from, int64_t stride, int64_t keys, int64_t head_dim, float* to) {
  constexpr int64_t kColumns = kLanes * Units::kDepth;
  const int64_t n = whole_registers(keys);
  for (int64_t j = 0; j < keys; j += kLanes) {
    for (int64_t d = 0; d < head_dim; d += kColumns) {
      const float* block = from + j * stride + d;
      float* target = to + d / Units::kDepth * n + j;
      const int64_t rows = j + kLanes <= keys ? kLanes : keys - j;
      const int64_t columns = d + kColumns <= head_dim ? kColumns : head_dim - d;
      if (Units::kDepth == 1 && rows == kLanes && columns == kColumns) {
        transpose_block(block, stride, target, n);
        continue;
      }
      float part[kLanes * kLanes] = {};
      for (int64_t r = 0; r < rows; ++r) store(part + r * kLanes, Units::along_row(block + r * stride, columns));
      transpose_block(part, kLanes, target, n);
    }
  }
}

// to (units(n), h') = from (n, h) in units down its columns.
template <class Units>
void copy_values(const float* from, int64_t stride, int64_t keys, int64_t head_dim, float* to) {
  const int64_t h = whole_registers(head_dim);
  for (int64_t j = 0; j < keys; j += Units::kDepth) {
    float* row = to + j / Units::kDepth * h;
    for_registers(head_dim, [&](int64_t d, int64_t count) {
      store(row + d, Units::down_columns(from + j * stride + d, stride, keys - j, count));
    });
  }
}

// to (units(n)) = a row of n floats in units; to may be from.
template <class Units>
inline void pack_row(const float* from, int64_t n, float* to) {
  constexpr int64_t kFloats = kLanes * Units::kDepth;
  for (int64_t c = 0; c < n; c += kFloats) {
    store(to + c / Units::kDepth, Units::along_row(from + c, c + kFloats <= n ? kFloats : n - c));
  }
}

// scores (R, C registers) = queries keys; queries (R, d), keys (d, n').
template <class Units, int R, int C>
inline void score_block(const float* queries, int64_t q_stride, const float* keys, int64_t n, int64_t depth,
                        float* scores) {
  Floats sum[R][C];
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < C; ++c) sum[r][c] = zero();
  }
  for (int64_t d = 0; d < depth; ++d) {
    Floats key[C];
    for (int c = 0; c < C; ++c) key[c] = load(keys + d * n + c * kLanes);
    for (int r = 0; r < R; ++r) {
      const Floats query = all(queries[r * q_stride + d]);
      for (int c = 0; c < C; ++c) sum[r][c] = Units::multiply_add(query, key[c], sum[r][c]);
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < C; ++c) store(scores + r * n + c * kLanes, sum[r][c]);
  }
}

// out (R, C registers) = weights values / total; weights (R, depth) with rows n' apart, values (depth, h'), the last
// register `last` lanes wide.
template <class Units, int R, int C>
inline void value_block(const float* weights, const float* values, int64_t depth, int64_t n, int64_t h,
                        const float* inverse_total, float* out, int64_t out_stride, int64_t last) {
  Floats sum[R][C];
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < C; ++c) sum[r][c] = zero();
  }
  for (int64_t j = 0; j < depth; ++j) {
    Floats value[C];
    for (int c = 0; c < C; ++c) value[c] = load(values + j * h + c * kLanes);
    for (int r = 0; r < R; ++r) {
      const Floats weight = all(weights[r * n + j]);
      for (int c = 0; c < C; ++c) sum[r][c] = Units::multiply_add(weight, value[c], sum[r][c]);
    }
  }
  for (int r = 0; r < R; ++r) {
    const Floats scale = all(inverse_total[r]);
    for (int c = 0; c + 1 < C; ++c) store(out + r * out_stride + c * kLanes, mul(sum[r][c], scale));
    store_some(out + r * out_stride + (C - 1) * kLanes, mul(sum[r][C - 1], scale), last);
  }
}

// Turns a row of scores into e^(scale (score - largest)) and gives one over their sum; scale > 0.
inline float soften(float* scores, int64_t keys, float scale) {
  Floats most = all(-__builtin_inff());
  for_registers(
      keys, [&](int64_t c, int64_t count) { most = max(fill_rest(load(scores + c), count, -__builtin_inff()), most); });
  const Floats factor = all(scale * kLog2OfE);
  const Floats largest = all(-max_of(most) * scale * kLog2OfE);
  Floats total = zero();
  for_registers(keys, [&](int64_t c, int64_t count) {
    const Floats weight = fill_rest(power_of_two(fma(load(scores + c), factor, largest)), count, 0.0F);
    store(scores + c, weight);
    total = add(total, weight);
  });
  return 1.0F / sum_of(total);
}

// scores = scale * scores + relative.
inline void add_relative(float* scores, const float* relative, int64_t keys, float scale) {
  const Floats factor = all(scale);
  for_registers(keys, [&](int64_t c, int64_t count) {
    store(scores + c, fma(load(scores + c), factor, load_some(relative + c, count)));
  });
}

// Keys that the query sees.
inline int64_t seen_by(const AttentionArgs& args, int64_t query) {
  const int64_t seen = args.past + query + 1;
  return args.causal && seen < args.keys ? seen : args.keys;
}

template <class Units, int R>
void attend_rows(const AttentionArgs& args, int64_t first, const float* keys, const float* values, float* queries) {
  const int64_t n = whole_registers(args.keys);
  const int64_t seen = seen_by(args, first + R - 1);
  const int64_t scored = whole_registers(seen);
  const int64_t h = whole_registers(args.head_dim);
  const int64_t depth = units<Units>(args.head_dim);
  float* scores = queries + kQueryRows * h;
  const float* q = args.q + first * args.q_stride;
  int64_t q_stride = args.q_stride;
  if constexpr (Units::kDepth > 1) {
    for (int r = 0; r < R; ++r) pack_row<Units>(q + r * q_stride, args.head_dim, queries + r * h);
    q = queries;
    q_stride = h;
  }
  int64_t c = 0;
  for (; c + kScoreVectors * kLanes <= scored; c += kScoreVectors * kLanes) {
    score_block<Units, R, kScoreVectors>(q, q_stride, keys + c, n, depth, scores + c);
  }
  for (; c + 2 * kLanes <= scored; c += 2 * kLanes) {
    score_block<Units, R, 2>(q, q_stride, keys + c, n, depth, scores + c);
  }
  if (c < scored) score_block<Units, R, 1>(q, q_stride, keys + c, n, depth, scores + c);

  float inverse_total[R];
  for (int r = 0; r < R; ++r) {
    const int64_t own = seen_by(args, first + r);
    float* row = scores + r * n;
    if (args.relative) add_relative(row, args.relative - (first + r), own, args.scale);
    inverse_total[r] = soften(row, own, args.relative ? 1.0F : args.scale);
    for (int64_t at = whole_registers(own); at < scored; at += kLanes) store(row + at, zero());
    if (args.probabilities) {
      float* to = args.probabilities + (first + r) * args.keys;
      for_registers(args.keys, [&](int64_t at, int64_t count) {
        store_some(to + at, at < scored ? mul(load(row + at), all(inverse_total[r])) : zero(), count);
      });
    }
    if constexpr (Units::kDepth > 1) pack_row<Units>(row, scored, row);
  }

  const int64_t summed = units<Units>(seen);
  float* out = args.out + first * args.out_stride;
  int64_t d = 0;
  for (; d + kValueVectors * kLanes <= args.head_dim; d += kValueVectors * kLanes) {
    value_block<Units, R, kValueVectors>(scores, values + d, summed, n, h, inverse_total, out + d, args.out_stride,
                                         kLanes);
  }
  for (; d < args.head_dim; d += kLanes) {
    const int64_t left = args.head_dim - d;
    value_block<Units, R, 1>(scores, values + d, summed, n, h, inverse_total, out + d, args.out_stride,
                             left < kLanes ? left : kLanes);
  }
}

template <class Units>
void attend(const AttentionArgs& args) {
  const int64_t n = whole_registers(args.keys);
  const int64_t h = whole_registers(args.head_dim);
  float* keys = args.scratch;
  float* values = keys + h * n;
  float* queries = values + args.keys * h;
  transpose_keys<Units>(args.k, args.kv_stride, args.keys, args.head_dim, keys);
  copy_values<Units>(args.v, args.kv_stride, args.keys, args.head_dim, values);
  // Blocks of about the same size: a last one of one or two rows would waste most of its loads.
  int64_t blocks = (args.queries + kQueryRows - 1) / kQueryRows;
  for (int64_t first = 0; blocks > 0; --blocks) {
    const int64_t rows = (args.queries - first + blocks - 1) / blocks;
    switch (rows) {
      case 6:
        attend_rows<Units, 6>(args, first, keys, values, queries);
        break;
      case 5:
        attend_rows<Units, 5>(args, first, keys, values, queries);
        break;
      case 4:
        attend_rows<Units, 4>(args, first, keys, values, queries);
        break;
      case 3:
        attend_rows<Units, 3>(args, first, keys, values, queries);
        break;
      case 2:
        attend_rows<Units, 2>(args, first, keys, values, queries);
        break;
      default:
        attend_rows<Units, 1>(args, first, keys, values, queries);
        break;
    }
    first += rows;
  }
}

}  // namespace
