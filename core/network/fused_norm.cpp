#include "network/fused_norm.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/autograd.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "network/vector_loops.h"

namespace espalier {
namespace {

// Rows whose share of the gradients of weight and bias is summed together; fixed, so that results do not depend on the
// number of threads.
constexpr int64_t kRowsOfPart = 32;

// The dropout of one tensor in numbers.
struct Dropped {
  uint64_t key = 0;
  uint32_t threshold = 0;  // 0: nothing is dropped
  float scale = 1;

  explicit Dropped(const DropoutMask& mask)
      : key(mask.key),
        threshold(mask.probability > 0 ? dropout_threshold(mask.probability) : 0),
        scale(static_cast<float>(1 / (1 - mask.probability))) {}
};

// to[j] = from[j] times its factor, for elements from `first` on.
ESPALIER_INLINE void drop(const Dropped& dropped, int64_t first, const float* from, int64_t count, float* to) {
  const auto index = static_cast<uint32_t>(first);
  for (int64_t j = 0; j < count; ++j) {
    const bool keeps = dropout_keeps(dropped.key, index + static_cast<uint32_t>(j), dropped.threshold);
    to[j] = keeps ? from[j] * dropped.scale : 0.0F;
  }
}

// The sum of (x - shift)^power, power 1 or 2.
template <int Power>
ESPALIER_INLINE float sum_of_row(const float* x, int64_t width, float shift) {
  Lanes sums = {};
  int64_t j = 0;
  for (; j + kLanes <= width; j += kLanes) {
    Lanes values;
    std::memcpy(&values, x + j, sizeof(values));
    values -= shift;
    sums += Power == 1 ? values : values * values;
  }
  float sum = sum_of(sums);
  for (; j < width; ++j) sum += Power == 1 ? x[j] - shift : (x[j] - shift) * (x[j] - shift);
  return sum;
}

ESPALIER_INLINE float dot(const float* a, const float* b, int64_t width) {
  Lanes sums = {};
  int64_t j = 0;
  for (; j + kLanes <= width; j += kLanes) {
    Lanes x, y;
    std::memcpy(&x, a + j, sizeof(x));
    std::memcpy(&y, b + j, sizeof(y));
    sums += x * y;
  }
  float sum = sum_of(sums);
  for (; j < width; ++j) sum += a[j] * b[j];
  return sum;
}

struct ForwardRows {
  const float *kept, *update, *weight, *bias;
  float* out;
  float* normalized;  // (rows, width) before weight and bias
  float* scales;      // (rows) 1 / standard deviation
  int64_t width;
  float epsilon;
};

ESPALIER_VECTOR_CLONES void norm_forward(const ForwardRows& rows, const Dropped dropped, int64_t begin, int64_t end) {
  const int64_t width = rows.width;
  for (int64_t r = begin; r < end; ++r) {
    const float *kept = rows.kept + r * width, *update = rows.update + r * width;
    float *row = rows.normalized + r * width, *out = rows.out + r * width;
    if (dropped.threshold != 0) {
      drop(dropped, r * width, update, width, row);
      for (int64_t j = 0; j < width; ++j) row[j] += kept[j];
    } else {
      for (int64_t j = 0; j < width; ++j) row[j] = kept[j] + update[j];
    }
    const auto count = static_cast<float>(width);
    const float mean = sum_of_row<1>(row, width, 0) / count;
    const float scale = 1 / std::sqrt(sum_of_row<2>(row, width, mean) / count + rows.epsilon);
    for (int64_t j = 0; j < width; ++j) {
      row[j] = (row[j] - mean) * scale;
      out[j] = row[j] * rows.weight[j] + rows.bias[j];
    }
    rows.scales[r] = scale;
  }
}

struct BackwardRows {
  const float *out_gradient, *normalized, *scales, *weight;
  float* kept_gradient;
  float* update_gradient;  // the same memory where nothing is dropped
  int64_t width;
};

// The gradients of rows `begin` to `end`; their share of those of weight and bias is added to (width) each.
ESPALIER_VECTOR_CLONES void norm_backward(const BackwardRows& rows, const Dropped dropped, int64_t begin, int64_t end,
                                          float* weight_gradient, float* bias_gradient) {
  const int64_t width = rows.width;
  for (int64_t r = begin; r < end; ++r) {
    const float *above = rows.out_gradient + r * width, *normalized = rows.normalized + r * width;
    float* below = rows.kept_gradient + r * width;
    for (int64_t j = 0; j < width; ++j) {
      weight_gradient[j] += above[j] * normalized[j];
      bias_gradient[j] += above[j];
      below[j] = above[j] * rows.weight[j];
    }
    const auto count = static_cast<float>(width);
    const float mean = sum_of_row<1>(below, width, 0) / count;
    const float slope = dot(below, normalized, width) / count;
    const float scale = rows.scales[r];
    for (int64_t j = 0; j < width; ++j) below[j] = scale * (below[j] - mean - normalized[j] * slope);
    if (dropped.threshold != 0) drop(dropped, r * width, below, width, rows.update_gradient + r * width);
  }
}

class FusedAddNorm : public torch::autograd::Function<FusedAddNorm> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& kept, const at::Tensor& update,
                            const at::Tensor& weight, const at::Tensor& bias, double epsilon, double probability,
                            int64_t key) {
    const int64_t width = kept.size(-1), count = kept.numel() / width;
    const Dropped dropped({probability, static_cast<uint64_t>(key)});
    at::Tensor out = at::empty_like(kept), normalized = at::empty_like(kept);
    at::Tensor scales = at::empty({count}, kept.options());
    const ForwardRows rows{
        kept.data_ptr<float>(),     update.data_ptr<float>(),     weight.data_ptr<float>(), bias.data_ptr<float>(),
        out.data_ptr<float>(),      normalized.data_ptr<float>(), scales.data_ptr<float>(), width,
        static_cast<float>(epsilon)};
    at::parallel_for(0, count, kRowsOfPart,
                     [&](int64_t begin, int64_t end) { norm_forward(rows, dropped, begin, end); });
    context->save_for_backward({normalized, scales, weight});
    context->saved_data["probability"] = probability;
    context->saved_data["key"] = key;
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list incoming) {
    if (at::GradMode::is_enabled()) {
      throw Error(ErrorKind::Unsupported, {.what = "the fused norm has no second derivative",
                                           .where = "",
                                           .got = "a backward pass that records a graph",
                                           .wanted = "a first-order gradient",
                                           .next = "build the network with fused off"});
    }
    const auto saved = context->get_saved_variables();
    const at::Tensor &normalized = saved[0], &scales = saved[1], &weight = saved[2];
    const Dropped dropped(
        {context->saved_data["probability"].toDouble(), static_cast<uint64_t>(context->saved_data["key"].toInt())});
    const int64_t width = weight.numel(), count = scales.numel();
    const at::Tensor out_gradient = incoming[0].contiguous();
    at::Tensor kept_gradient = at::empty_like(normalized);
    at::Tensor update_gradient = dropped.threshold != 0 ? at::empty_like(normalized) : kept_gradient;
    const int64_t parts = (count + kRowsOfPart - 1) / kRowsOfPart;
    at::Tensor shares = at::zeros({2, parts, width}, normalized.options());
    auto* of_weight = shares.data_ptr<float>();
    auto* of_bias = of_weight + parts * width;
    const BackwardRows rows{out_gradient.data_ptr<float>(),
                            normalized.data_ptr<float>(),
                            scales.data_ptr<float>(),
                            weight.data_ptr<float>(),
                            kept_gradient.data_ptr<float>(),
                            update_gradient.data_ptr<float>(),
                            width};
    at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
      for (int64_t part = begin; part < end; ++part) {
        norm_backward(rows, dropped, part * kRowsOfPart, std::min(count, (part + 1) * kRowsOfPart),
                      of_weight + part * width, of_bias + part * width);
      }
    });
    const at::Tensor sums = shares.sum(1);
    return {kept_gradient, update_gradient, sums[0], sums[1], {}, {}, {}};
  }
};

}  // namespace

at::Tensor fused_add_norm(const at::Tensor& kept, const at::Tensor& update, const at::Tensor& weight,
                          const at::Tensor& bias, double epsilon, const DropoutMask& dropout) {
  return FusedAddNorm::apply(kept.contiguous(), update.contiguous(), weight.contiguous(), bias.contiguous(), epsilon,
                             dropout.probability, static_cast<int64_t>(dropout.key));
}

}  // namespace espalier
