#include "network/fused_gelu.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/autograd.h>

#include "network/vector_loops.h"

namespace espalier {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements a thread takes at least

// The normal distribution function and density, by formula 7.1.26 of Abramowitz and Stegun: off by 1e-7. The smaller
// tail is computed, so that it keeps its digits.
struct Normal {
  float cumulative, density;
};

ESPALIER_INLINE Normal normal_at(float x) {
  const float magnitude = x < 0 ? -x : x;
  const float t = 1 / (1 + 0.231641888F * magnitude);  // 0.3275911 / sqrt(2)
  const float e = exp_of_negative(-0.5F * x * x);
  float poly = 1.061405429F;
  poly = poly * t - 1.453152027F;
  poly = poly * t + 1.421413741F;
  poly = poly * t - 0.284496736F;
  poly = poly * t + 0.254829592F;
  const float tail = 0.5F * poly * t * e;
  return {x < 0 ? tail : 1 - tail, 0.3989422804F * e};
}

ESPALIER_VECTOR_CLONES void gelu_loop(const float* x, int64_t count, float* y) {
  for (int64_t i = 0; i < count; ++i) y[i] = x[i] * normal_at(x[i]).cumulative;
}

ESPALIER_VECTOR_CLONES void gradient_loop(const float* x, const float* y_gradient, int64_t count, float* x_gradient) {
  for (int64_t i = 0; i < count; ++i) {
    const Normal normal = normal_at(x[i]);
    x_gradient[i] = y_gradient[i] * (normal.cumulative + x[i] * normal.density);
  }
}

class FusedGelu : public torch::autograd::Function<FusedGelu> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x) {
    at::Tensor y = at::empty_like(x);
    const auto* from = x.data_ptr<float>();
    auto* to = y.data_ptr<float>();
    at::parallel_for(0, x.numel(), kGrain,
                     [&](int64_t begin, int64_t end) { gelu_loop(from + begin, end - begin, to + begin); });
    context->save_for_backward({x});
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list incoming) {
    const at::Tensor x = context->get_saved_variables()[0];
    if (at::GradMode::is_enabled()) return {at::gelu_backward(incoming[0], x, "none")};  // to be differentiated again
    const at::Tensor y_gradient = incoming[0].contiguous();
    at::Tensor x_gradient = at::empty_like(x);
    const auto *from = x.data_ptr<float>(), *above = y_gradient.data_ptr<float>();
    auto* to = x_gradient.data_ptr<float>();
    at::parallel_for(0, x.numel(), kGrain, [&](int64_t begin, int64_t end) {
      gradient_loop(from + begin, above + begin, end - begin, to + begin);
    });
    return {x_gradient};
  }
};

}  // namespace

at::Tensor fused_gelu(const at::Tensor& x) { return FusedGelu::apply(x.contiguous()); }

}  // namespace espalier
