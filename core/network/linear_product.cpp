#include "network/linear_product.h"

#include <ATen/ATen.h>
#include <torch/autograd.h>

#include "engine/onednn_products.h"

namespace espalier {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

bool plain_float(const at::Tensor& tensor) {
  return tensor.device().is_cpu() && tensor.scalar_type() == at::kFloat && tensor.numel() > 0;
}

const float* floats(const at::Tensor& tensor) { return tensor.data_ptr<float>(); }

class LinearProduct : public torch::autograd::Function<LinearProduct> {
 public:
  // bias may be empty: an autograd function takes no undefined tensor.
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias, bool of_x, bool of_weight, bool of_bias) {
    const int64_t in = weight.size(1), out = weight.size(0);
    std::vector<int64_t> shape = x.sizes().vec();
    shape.back() = out;
    const at::Tensor y = at::empty(shape, x.options());
    onednn::multiply({x.numel() / in, in, out}, {floats(x), false}, {floats(weight), true},
                     bias.numel() > 0 ? floats(bias) : nullptr, y.data_ptr<float>());
    context->save_for_backward({x, weight});
    context->saved_data["of_x"] = of_x;
    context->saved_data["of_weight"] = of_weight;
    context->saved_data["of_bias"] = of_bias;
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list incoming) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1];
    const int64_t in = weight.size(1), out = weight.size(0), rows = x.numel() / in;
    const at::Tensor y_gradient = incoming[0].contiguous();
    const at::Tensor y_rows = y_gradient.view({rows, out}), x_rows = x.view({rows, in});
    const bool of_x = context->saved_data["of_x"].toBool();
    const bool of_weight = context->saved_data["of_weight"].toBool();
    const bool of_bias = context->saved_data["of_bias"].toBool();
    at::Tensor x_gradient, weight_gradient, bias_gradient;
    if (of_bias) bias_gradient = y_rows.sum(0);
    if (at::GradMode::is_enabled()) {  // to be differentiated again
      if (of_x) x_gradient = at::matmul(y_gradient, weight);
      if (of_weight) weight_gradient = at::matmul(y_rows.t(), x_rows);
      return {x_gradient, weight_gradient, bias_gradient, {}, {}, {}};
    }
    if (of_x) {
      x_gradient = at::empty_like(x);
      onednn::multiply({rows, out, in}, {floats(y_rows), false}, {floats(weight), false}, nullptr,
                       x_gradient.data_ptr<float>());
    }
    if (of_weight) {
      weight_gradient = at::empty_like(weight);
      onednn::multiply({out, rows, in}, {floats(y_rows), true}, {floats(x_rows), false}, nullptr,
                       weight_gradient.data_ptr<float>());
    }
    return {x_gradient, weight_gradient, bias_gradient, {}, {}, {}};
  }
};

}  // namespace

at::Tensor linear_product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const bool with_bias = bias.defined();
  if (!plain_float(x) || !plain_float(weight) || (with_bias && !plain_float(bias)) || x.dim() < 2) {
    return at::linear(x, weight, bias);
  }
  return LinearProduct::apply(x.contiguous(), weight.contiguous(),
                              with_bias ? bias.contiguous() : at::empty({0}, weight.options()), x.requires_grad(),
                              weight.requires_grad(), with_bias && bias.requires_grad());
}

}  // namespace espalier
