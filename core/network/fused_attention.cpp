// Attention of one head at a time. Keys lie on the contiguous axis of a padded, transposed copy, so that every product
// is a sum of weighted rows, no sum runs across a vector, and the order of addition is that of the plain loops.

#include "network/fused_attention.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/autograd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "network/vector_loops.h"

namespace espalier {
namespace {

// Rows of keys are padded to whole vectors.
int64_t padded(int64_t length) { return (length + kLanes - 1) / kLanes * kLanes; }

// What the loops over one head read and write. W is the stride between tokens.
struct HeadView {
  const float* query;   // (Q, head_dim)
  const float* key;     // (S, head_dim)
  const float* value;   // (S, head_dim)
  const int64_t* mask;  // (S) or null
  int64_t queries, keys, head_dim, width;
  float scale;  // 1 / sqrt(head_dim)
  uint64_t dropout_key;
  uint32_t dropout_threshold;  // 0: no dropout
  float dropout_scale;
  int64_t first_index;  // of the head's probabilities among all
};

ESPALIER_INLINE void transpose_padded(const float* from, int64_t rows, int64_t columns, int64_t stride, float* to,
                                      int64_t to_stride) {
  for (int64_t c = 0; c < columns; ++c) {
    for (int64_t r = 0; r < rows; ++r) to[c * to_stride + r] = from[r * stride + c];
    for (int64_t r = rows; r < to_stride; ++r) to[c * to_stride + r] = 0;
  }
}

ESPALIER_INLINE void dropout_factors(const HeadView& head, int64_t query, float* factors) {
  const auto begin = static_cast<uint32_t>(head.first_index + query * head.keys);
  for (int64_t j = 0; j < head.keys; ++j) {
    const bool keeps = dropout_keeps(head.dropout_key, begin + static_cast<uint32_t>(j), head.dropout_threshold);
    factors[j] = keeps ? head.dropout_scale : 0.0F;
  }
}

// A matrix of floats whose rows and columns lie these many floats apart.
struct Strided {
  const float* data;
  int64_t row, column;
};

// out[r, c] = sum over n of weights[r, n] rows[n, c] for `Rows` rows and all columns. Sixteen columns of a few rows
// stay in registers while n runs.
template <int Rows>
ESPALIER_INLINE void weighted_sums(const Strided& weights, int64_t n_count, const float* rows, int64_t rows_stride,
                                   int64_t columns, float* out, int64_t out_stride) {
  int64_t c = 0;
  for (; c + kLanes <= columns; c += kLanes) {
    Lanes sums[Rows] = {};
    for (int64_t n = 0; n < n_count; ++n) {
      Lanes x;
      std::memcpy(&x, rows + n * rows_stride + c, sizeof(x));
      for (int r = 0; r < Rows; ++r) sums[r] += weights.data[r * weights.row + n * weights.column] * x;
    }
    for (int r = 0; r < Rows; ++r) std::memcpy(out + r * out_stride + c, &sums[r], sizeof(Lanes));
  }
  for (; c < columns; ++c) {
    for (int r = 0; r < Rows; ++r) {
      float sum = 0;
      for (int64_t n = 0; n < n_count; ++n) {
        sum += weights.data[r * weights.row + n * weights.column] * rows[n * rows_stride + c];
      }
      out[r * out_stride + c] = sum;
    }
  }
}

// out = weights rows, (r_count, n_count) times (n_count, columns).
ESPALIER_INLINE void multiply(const Strided& weights, int64_t r_count, int64_t n_count, const float* rows,
                              int64_t rows_stride, int64_t columns, float* out, int64_t out_stride) {
  constexpr int kRows = 4;
  int64_t r = 0;
  for (; r + kRows <= r_count; r += kRows) {
    weighted_sums<kRows>({weights.data + r * weights.row, weights.row, weights.column}, n_count, rows, rows_stride,
                         columns, out + r * out_stride, out_stride);
  }
  for (; r < r_count; ++r) {
    weighted_sums<1>({weights.data + r * weights.row, weights.row, weights.column}, n_count, rows, rows_stride, columns,
                     out + r * out_stride, out_stride);
  }
}

// One row of scores to shares that sum to 1; the padding up to `stride` is left with numbers of no meaning.
ESPALIER_INLINE void softmax_row(const HeadView& head, int64_t stride, float* row) {
  for (int64_t j = 0; j < head.keys; ++j) row[j] *= head.scale;
  if (head.mask != nullptr) {
    for (int64_t j = 0; j < head.keys; ++j) {
      row[j] = head.mask[j] != 0 ? row[j] : std::numeric_limits<float>::lowest();
    }
  }
  float largest = row[0];
  for (int64_t j = 1; j < head.keys; ++j) largest = row[j] > largest ? row[j] : largest;
  for (int64_t j = 0; j < stride; ++j) row[j] = exp_of_negative(row[j] - largest);
  if (head.mask != nullptr && largest > std::numeric_limits<float>::lowest()) {
    for (int64_t j = 0; j < head.keys; ++j) row[j] = head.mask[j] != 0 ? row[j] : 0.0F;
  }
  float sum = 0;
  for (int64_t j = 0; j < head.keys; ++j) sum += row[j];
  const float share = 1 / sum;
  for (int64_t j = 0; j < head.keys; ++j) row[j] *= share;
}

// probabilities: (Q, S); context: (Q, head_dim) with the stride of the width; scratch: see scratch_floats.
ESPALIER_VECTOR_CLONES void head_forward(const HeadView& head, float* probabilities, float* context, float* scratch) {
  const int64_t stride = padded(head.keys);
  float* keys = scratch;                            // (head_dim, stride)
  float* scores = keys + head.head_dim * stride;    // (Q, stride)
  float* factors = scores + head.queries * stride;  // (stride)
  transpose_padded(head.key, head.keys, head.head_dim, head.width, keys, stride);
  multiply({head.query, head.width, 1}, head.queries, head.head_dim, keys, stride, stride, scores, stride);
  for (int64_t i = 0; i < head.queries; ++i) {
    float* row = scores + i * stride;
    softmax_row(head, stride, row);
    std::copy_n(row, head.keys, probabilities + i * head.keys);
    if (head.dropout_threshold != 0) {
      dropout_factors(head, i, factors);
      for (int64_t j = 0; j < head.keys; ++j) row[j] *= factors[j];
    }
  }
  multiply({scores, stride, 1}, head.queries, head.keys, head.value, head.width, head.head_dim, context, head.width);
}

struct HeadGradients {
  const float* context;  // (Q, head_dim), incoming
  float* query;          // (Q, head_dim)
  float* key;            // (S, head_dim)
  float* value;          // (S, head_dim)
};

ESPALIER_VECTOR_CLONES void head_backward(const HeadView& head, const float* probabilities,
                                          const HeadGradients& gradients, float* scratch) {
  const int64_t stride = padded(head.keys);
  float* values = scratch;                          // (head_dim, stride)
  float* scores = values + head.head_dim * stride;  // (Q, stride): gradient of the probabilities, then of the scores
  float* factors = scores + head.queries * stride;  // (stride)
  float* dropped = factors + stride;                // (Q, stride): probabilities after dropout
  transpose_padded(head.value, head.keys, head.head_dim, head.width, values, stride);
  multiply({gradients.context, head.width, 1}, head.queries, head.head_dim, values, stride, stride, scores, stride);
  std::fill_n(factors, stride, 1.0F);
  for (int64_t i = 0; i < head.queries; ++i) {
    float* row = scores + i * stride;
    float* kept = dropped + i * stride;
    const float* share = probabilities + i * head.keys;
    if (head.dropout_threshold != 0) dropout_factors(head, i, factors);
    float mean = 0;
    for (int64_t j = 0; j < head.keys; ++j) {
      kept[j] = share[j] * factors[j];
      mean += row[j] * kept[j];
    }
    for (int64_t j = 0; j < head.keys; ++j) row[j] = share[j] * (row[j] * factors[j] - mean) * head.scale;
  }
  multiply({scores, stride, 1}, head.queries, head.keys, head.key, head.width, head.head_dim, gradients.query,
           head.width);
  multiply({scores, 1, stride}, head.keys, head.queries, head.query, head.width, head.head_dim, gradients.key,
           head.width);
  multiply({dropped, 1, stride}, head.keys, head.queries, gradients.context, head.width, head.head_dim, gradients.value,
           head.width);
}

size_t scratch_floats(const at::Tensor& query, const at::Tensor& key, int64_t num_heads) {
  return static_cast<size_t>(padded(key.size(1)) * (query.size(2) / num_heads + 1 + 2 * query.size(1)));
}

// The view of head number `index` among batch * heads.
HeadView view_of(int64_t index, const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                 const at::Tensor& mask, int64_t num_heads, const DropoutMask& dropout) {
  const int64_t width = query.size(2);
  const int64_t sequence = index / num_heads;
  const int64_t offset = index % num_heads * (width / num_heads);
  HeadView view{};
  view.queries = query.size(1);
  view.keys = key.size(1);
  view.head_dim = width / num_heads;
  view.width = width;
  view.query = query.data_ptr<float>() + sequence * view.queries * width + offset;
  view.key = key.data_ptr<float>() + sequence * view.keys * width + offset;
  view.value = value.data_ptr<float>() + sequence * view.keys * width + offset;
  view.mask = mask.numel() > 0 ? mask.data_ptr<int64_t>() + sequence * view.keys : nullptr;
  view.scale = static_cast<float>(1 / std::sqrt(static_cast<double>(view.head_dim)));
  view.dropout_key = dropout.key;
  view.dropout_threshold = dropout.probability > 0 ? dropout_threshold(dropout.probability) : 0;
  view.dropout_scale = static_cast<float>(1 / (1 - dropout.probability));
  view.first_index = index * view.queries * view.keys;
  return view;
}

class FusedAttention : public torch::autograd::Function<FusedAttention> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& query, const at::Tensor& key,
                            const at::Tensor& value, const at::Tensor& mask, int64_t num_heads, double probability,
                            int64_t dropout_key) {
    const DropoutMask dropout{probability, static_cast<uint64_t>(dropout_key)};
    const int64_t heads = query.size(0) * num_heads;
    at::Tensor result = at::empty_like(query);
    at::Tensor probabilities = at::empty({heads, query.size(1), key.size(1)}, query.options());
    at::parallel_for(0, heads, 1, [&](int64_t begin, int64_t end) {
      std::vector<float> scratch(scratch_floats(query, key, num_heads));
      for (int64_t index = begin; index < end; ++index) {
        const HeadView head = view_of(index, query, key, value, mask, num_heads, dropout);
        head_forward(head, probabilities.data_ptr<float>() + head.first_index,
                     result.data_ptr<float>() + (head.query - query.data_ptr<float>()), scratch.data());
      }
    });
    context->save_for_backward({query, key, value, mask, probabilities});
    context->saved_data["num_heads"] = num_heads;
    context->saved_data["probability"] = probability;
    context->saved_data["dropout_key"] = dropout_key;
    return result;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list incoming) {
    if (at::GradMode::is_enabled()) {
      throw Error(ErrorKind::Unsupported, {.what = "fused attention has no second derivative",
                                           .where = "",
                                           .got = "a backward pass that records a graph",
                                           .wanted = "a first-order gradient",
                                           .next = "build the network with fused off"});
    }
    const auto saved = context->get_saved_variables();
    const at::Tensor &query = saved[0], &key = saved[1], &value = saved[2], &mask = saved[3], &probabilities = saved[4];
    const int64_t num_heads = context->saved_data["num_heads"].toInt();
    const DropoutMask dropout{context->saved_data["probability"].toDouble(),
                              static_cast<uint64_t>(context->saved_data["dropout_key"].toInt())};
    const at::Tensor result_gradient = incoming[0].contiguous();
    at::Tensor query_gradient = at::empty_like(query);
    at::Tensor key_gradient = at::empty_like(key);
    at::Tensor value_gradient = at::empty_like(value);
    at::parallel_for(0, query.size(0) * num_heads, 1, [&](int64_t begin, int64_t end) {
      std::vector<float> scratch(scratch_floats(query, key, num_heads));
      for (int64_t index = begin; index < end; ++index) {
        const HeadView head = view_of(index, query, key, value, mask, num_heads, dropout);
        const int64_t query_at = head.query - query.data_ptr<float>();
        const int64_t key_at = head.key - key.data_ptr<float>();
        head_backward(head, probabilities.data_ptr<float>() + head.first_index,
                      {result_gradient.data_ptr<float>() + query_at, query_gradient.data_ptr<float>() + query_at,
                       key_gradient.data_ptr<float>() + key_at, value_gradient.data_ptr<float>() + key_at},
                      scratch.data());
      }
    });
    return {query_gradient, key_gradient, value_gradient, {}, {}, {}, {}};
  }
};

}  // namespace

at::Tensor fused_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                           const at::Tensor& token_mask, int64_t num_heads, const DropoutMask& dropout) {
  // An autograd function takes no undefined tensor: an empty one stands for "no mask".
  const at::Tensor mask = token_mask.defined() ? token_mask.contiguous() : at::empty({0}, at::kLong);
  return FusedAttention::apply(query.contiguous(), key.contiguous(), value.contiguous(), mask, num_heads,
                               dropout.probability, static_cast<int64_t>(dropout.key));
}

}  // namespace espalier
