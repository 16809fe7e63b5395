// Attention of one head at a time, in loops over contiguous rows that the compiler turns into vector code. Keys lie on
// the contiguous axis of a padded, transposed copy, so that no sum runs across a vector and the result does not depend
// on the vector width's order of addition.

#include "network/fused_attention.h"

#include <torch/torch.h>

#include <bit>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "network/dropout.h"

namespace espalier {
namespace {

constexpr int64_t kLanes = 16;  // rows of keys are padded to whole vectors

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

// e^x for x <= 0 with a relative error of 2e-7 (Cephes expf: range reduction by ln 2, polynomial of degree 5).
inline float exp_of_negative(float x) {
  constexpr float kLowest = -87.0F;
  x = x < kLowest ? kLowest : (x > 0 ? 0.0F : x);  // padding may bring positive numbers
  constexpr float kRound = 12582912.0F;            // 1.5 * 2^23: adding it rounds to a whole number
  const float n = (x * 1.44269504F + kRound) - kRound;
  const float r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
  float poly = 1.9875691500e-4F;
  poly = poly * r + 1.3981999507e-3F;
  poly = poly * r + 8.3334519073e-3F;
  poly = poly * r + 4.1665795894e-2F;
  poly = poly * r + 1.6666665459e-1F;
  poly = poly * r + 5.0000001201e-1F;
  poly = poly * r * r + r + 1.0F;
  return poly * std::bit_cast<float>((static_cast<int32_t>(n) + 127) << 23);
}

inline void transpose_padded(const float* from, int64_t rows, int64_t columns, int64_t stride, float* to,
                             int64_t to_stride) {
  for (int64_t c = 0; c < columns; ++c) {
    for (int64_t r = 0; r < rows; ++r) to[c * to_stride + r] = from[r * stride + c];
    for (int64_t r = rows; r < to_stride; ++r) to[c * to_stride + r] = 0;
  }
}

inline void dropout_factors(const HeadView& head, int64_t query, float* factors) {
  const auto begin = static_cast<uint32_t>(head.first_index + query * head.keys);
  for (int64_t j = 0; j < head.keys; ++j) {
    const bool keeps = dropout_keeps(head.dropout_key, begin + static_cast<uint32_t>(j), head.dropout_threshold);
    factors[j] = keeps ? head.dropout_scale : 0.0F;
  }
}

// probabilities: (Q, S); context: (Q, head_dim) with the stride of the width; scratch: see scratch_floats.
__attribute__((target_clones("avx512f", "avx2", "default"))) void head_forward(const HeadView& head,
                                                                               float* probabilities, float* context,
                                                                               float* scratch) {
  const int64_t stride = padded(head.keys);
  float* __restrict keys = scratch;  // (head_dim, stride)
  float* __restrict row = keys + head.head_dim * stride;
  float* __restrict factors = row + stride;
  transpose_padded(head.key, head.keys, head.head_dim, head.width, keys, stride);
  for (int64_t i = 0; i < head.queries; ++i) {
    const float* query = head.query + i * head.width;
    for (int64_t j = 0; j < stride; ++j) row[j] = 0;
    for (int64_t d = 0; d < head.head_dim; ++d) {
      const float q = query[d] * head.scale;
      const float* column = keys + d * stride;
      for (int64_t j = 0; j < stride; ++j) row[j] += q * column[j];
    }
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
    float* kept = probabilities + i * head.keys;
    for (int64_t j = 0; j < head.keys; ++j) kept[j] = row[j] *= share;
    if (head.dropout_threshold != 0) {
      dropout_factors(head, i, factors);
      for (int64_t j = 0; j < head.keys; ++j) row[j] *= factors[j];
    }
    float* __restrict out = context + i * head.width;
    for (int64_t d = 0; d < head.head_dim; ++d) out[d] = 0;
    for (int64_t j = 0; j < head.keys; ++j) {
      const float* value = head.value + j * head.width;
      for (int64_t d = 0; d < head.head_dim; ++d) out[d] += row[j] * value[d];
    }
  }
}

struct HeadGradients {
  const float* context;  // (Q, head_dim), incoming
  float* query;          // (Q, head_dim)
  float* key;            // (S, head_dim), zero at first
  float* value;          // (S, head_dim), zero at first
};

__attribute__((target_clones("avx512f", "avx2", "default"))) void head_backward(const HeadView& head,
                                                                                const float* probabilities,
                                                                                const HeadGradients& gradients,
                                                                                float* scratch) {
  const int64_t stride = padded(head.keys);
  float* __restrict values = scratch;  // (head_dim, stride)
  float* __restrict row = values + head.head_dim * stride;
  float* __restrict factors = row + stride;
  transpose_padded(head.value, head.keys, head.head_dim, head.width, values, stride);
  for (int64_t j = 0; j < head.keys; ++j) factors[j] = 1;
  for (int64_t i = 0; i < head.queries; ++i) {
    const float* query = head.query + i * head.width;
    const float* incoming = gradients.context + i * head.width;
    const float* share = probabilities + i * head.keys;
    for (int64_t j = 0; j < stride; ++j) row[j] = 0;
    for (int64_t d = 0; d < head.head_dim; ++d) {
      const float g = incoming[d];
      const float* column = values + d * stride;
      for (int64_t j = 0; j < stride; ++j) row[j] += g * column[j];
    }
    if (head.dropout_threshold != 0) dropout_factors(head, i, factors);
    float mean = 0;
    for (int64_t j = 0; j < head.keys; ++j) {
      row[j] *= factors[j];
      mean += row[j] * share[j];
    }
    float* __restrict query_gradient = gradients.query + i * head.width;
    for (int64_t d = 0; d < head.head_dim; ++d) query_gradient[d] = 0;
    for (int64_t j = 0; j < head.keys; ++j) {
      const float dropped = share[j] * factors[j];
      const float score_gradient = share[j] * (row[j] - mean) * head.scale;
      const float* key = head.key + j * head.width;
      float* __restrict key_gradient = gradients.key + j * head.width;
      float* __restrict value_gradient = gradients.value + j * head.width;
      for (int64_t d = 0; d < head.head_dim; ++d) {
        value_gradient[d] += dropped * incoming[d];
        query_gradient[d] += score_gradient * key[d];
        key_gradient[d] += score_gradient * query[d];
      }
    }
  }
}

size_t scratch_floats(int64_t keys, int64_t head_dim) { return static_cast<size_t>(padded(keys) * (head_dim + 2)); }

// The view of head number `index` among batch * heads.
HeadView view_of(int64_t index, const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                 const at::Tensor& mask, int64_t num_heads, const AttentionDropout& dropout) {
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
    const AttentionDropout dropout{probability, static_cast<uint64_t>(dropout_key)};
    const int64_t heads = query.size(0) * num_heads;
    at::Tensor result = at::empty_like(query);
    at::Tensor probabilities = at::empty({heads, query.size(1), key.size(1)}, query.options());
    at::parallel_for(0, heads, 1, [&](int64_t begin, int64_t end) {
      std::vector<float> scratch(scratch_floats(key.size(1), query.size(2) / num_heads));
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
    const AttentionDropout dropout{context->saved_data["probability"].toDouble(),
                                   static_cast<uint64_t>(context->saved_data["dropout_key"].toInt())};
    const at::Tensor result_gradient = incoming[0].contiguous();
    at::Tensor query_gradient = at::empty_like(query);
    at::Tensor key_gradient = at::zeros_like(key);
    at::Tensor value_gradient = at::zeros_like(value);
    at::parallel_for(0, query.size(0) * num_heads, 1, [&](int64_t begin, int64_t end) {
      std::vector<float> scratch(scratch_floats(key.size(1), query.size(2) / num_heads));
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
                           const at::Tensor& token_mask, int64_t num_heads, const AttentionDropout& dropout) {
  // An autograd function takes no undefined tensor: an empty one stands for "no mask".
  const at::Tensor mask = token_mask.defined() ? token_mask.contiguous() : at::empty({0}, at::kLong);
  return FusedAttention::apply(query.contiguous(), key.contiguous(), value.contiguous(), mask, num_heads,
                               dropout.probability, static_cast<int64_t>(dropout.key));
}

}  // namespace espalier
