#pragma once
// Attention of one head, in blocks of a few queries whose scores stay in the first cache; include after math.h.
// Keys are transposed and values copied once a call, so that both products read whole registers in order.

namespace {

using espalier::kernels::AttentionArgs;

// Queries of a block; both products keep their sums of all of them in registers.
constexpr int kQueryRows = 6;

inline int64_t whole_registers(int64_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

// Scratch: keys (h', n'), values (n, h'), scores (kQueryRows, n'); primes are rounded up to whole registers.
int64_t attention_scratch(int64_t keys, int64_t head_dim) {
  const int64_t n = whole_registers(keys);
  const int64_t h = whole_registers(head_dim);
  return h * n + keys * h + kQueryRows * n;
}

// to (h', n') = the transpose of from (n, h), zeros where there is nothing.
void transpose_keys(const float* from, int64_t stride, int64_t keys, int64_t head_dim, float* to) {
  const int64_t n = whole_registers(keys);
  for (int64_t j = 0; j < keys; j += kLanes) {
    for (int64_t d = 0; d < head_dim; d += kLanes) {
      const float* block = from + j * stride + d;
      if (j + kLanes <= keys && d + kLanes <= head_dim) {
        transpose_block(block, stride, to + d * n + j, n);
        continue;
      }
      float part[kLanes * kLanes] = {};
      const int64_t rows = j + kLanes <= keys ? kLanes : keys - j;
      const int64_t columns = d + kLanes <= head_dim ? kLanes : head_dim - d;
      for (int64_t r = 0; r < rows; ++r) store(part + r * kLanes, load_first(block + r * stride, columns));
      transpose_block(part, kLanes, to + d * n + j, n);
    }
  }
}

void copy_values(const float* from, int64_t stride, int64_t keys, int64_t head_dim, float* to) {
  const int64_t h = whole_registers(head_dim);
  for (int64_t j = 0; j < keys; ++j) {
    for_registers(head_dim,
                  [&](int64_t d, int64_t count) { store(to + j * h + d, load_some(from + j * stride + d, count)); });
  }
}

// scores (R, C registers) = queries keys; queries (R, h), keys (h, n').
template <int R, int C>
inline void score_block(const float* queries, int64_t q_stride, const float* keys, int64_t n, int64_t head_dim,
                        float* scores) {
  Floats sum[R][C];
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < C; ++c) sum[r][c] = zero();
  }
  for (int64_t d = 0; d < head_dim; ++d) {
    Floats key[C];
    for (int c = 0; c < C; ++c) key[c] = load(keys + d * n + c * kLanes);
    for (int r = 0; r < R; ++r) {
      const Floats query = all(queries[r * q_stride + d]);
      for (int c = 0; c < C; ++c) sum[r][c] = fma(query, key[c], sum[r][c]);
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < C; ++c) store(scores + r * n + c * kLanes, sum[r][c]);
  }
}

// out (R, C registers) = weights values / total; weights (R, n'), values (n, h'), the last register `last` lanes wide.
template <int R, int C>
inline void value_block(const float* weights, const float* values, int64_t keys, int64_t n, int64_t h,
                        const float* inverse_total, float* out, int64_t out_stride, int64_t last) {
  Floats sum[R][C];
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < C; ++c) sum[r][c] = zero();
  }
  for (int64_t j = 0; j < keys; ++j) {
    Floats value[C];
    for (int c = 0; c < C; ++c) value[c] = load(values + j * h + c * kLanes);
    for (int r = 0; r < R; ++r) {
      const Floats weight = all(weights[r * n + j]);
      for (int c = 0; c < C; ++c) sum[r][c] = fma(weight, value[c], sum[r][c]);
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

template <int R>
void attend_rows(const AttentionArgs& args, int64_t first, const float* keys, const float* values, float* scores) {
  const int64_t n = whole_registers(args.keys);
  const int64_t seen = seen_by(args, first + R - 1);
  const int64_t scored = whole_registers(seen);
  const int64_t h = whole_registers(args.head_dim);
  const float* q = args.q + first * args.q_stride;
  int64_t c = 0;
  for (; c + kScoreVectors * kLanes <= scored; c += kScoreVectors * kLanes) {
    score_block<R, kScoreVectors>(q, args.q_stride, keys + c, n, args.head_dim, scores + c);
  }
  for (; c + 2 * kLanes <= scored; c += 2 * kLanes) {
    score_block<R, 2>(q, args.q_stride, keys + c, n, args.head_dim, scores + c);
  }
  if (c < scored) score_block<R, 1>(q, args.q_stride, keys + c, n, args.head_dim, scores + c);

  float inverse_total[R];
  for (int r = 0; r < R; ++r) {
    const int64_t own = seen_by(args, first + r);
    float* row = scores + r * n;
    if (args.relative) add_relative(row, args.relative - (first + r), own, args.scale);
    inverse_total[r] = soften(row, own, args.relative ? 1.0F : args.scale);
    for (int64_t at = whole_registers(own); at < scored; at += kLanes) store(row + at, zero());
    if (!args.probabilities) continue;
    float* to = args.probabilities + (first + r) * args.keys;
    for_registers(args.keys, [&](int64_t at, int64_t count) {
      store_some(to + at, at < scored ? mul(load(row + at), all(inverse_total[r])) : zero(), count);
    });
  }

  float* out = args.out + first * args.out_stride;
  int64_t d = 0;
  for (; d + kValueVectors * kLanes <= args.head_dim; d += kValueVectors * kLanes) {
    value_block<R, kValueVectors>(scores, values + d, seen, n, h, inverse_total, out + d, args.out_stride, kLanes);
  }
  for (; d < args.head_dim; d += kLanes) {
    const int64_t left = args.head_dim - d;
    value_block<R, 1>(scores, values + d, seen, n, h, inverse_total, out + d, args.out_stride,
                      left < kLanes ? left : kLanes);
  }
}

void attention(const AttentionArgs& args) {
  const int64_t n = whole_registers(args.keys);
  const int64_t h = whole_registers(args.head_dim);
  float* keys = args.scratch;
  float* values = keys + h * n;
  float* scores = values + args.keys * h;
  transpose_keys(args.k, args.kv_stride, args.keys, args.head_dim, keys);
  copy_values(args.v, args.kv_stride, args.keys, args.head_dim, values);
  // Blocks of about the same size: a last one of one or two rows would waste most of its loads.
  int64_t blocks = (args.queries + kQueryRows - 1) / kQueryRows;
  for (int64_t first = 0; blocks > 0; --blocks) {
    const int64_t rows = (args.queries - first + blocks - 1) / blocks;
    switch (rows) {
      case 6:
        attend_rows<6>(args, first, keys, values, scores);
        break;
      case 5:
        attend_rows<5>(args, first, keys, values, scores);
        break;
      case 4:
        attend_rows<4>(args, first, keys, values, scores);
        break;
      case 3:
        attend_rows<3>(args, first, keys, values, scores);
        break;
      case 2:
        attend_rows<2>(args, first, keys, values, scores);
        break;
      default:
        attend_rows<1>(args, first, keys, values, scores);
        break;
    }
    first += rows;
  }
}

}  // namespace
