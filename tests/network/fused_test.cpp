// The network's own loops and products against libtorch's operations, in value and gradient.

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/autograd.h>

#include <cmath>
#include <limits>

#include "network/dropout.h"
#include "network/fused_gelu.h"
#include "network/fused_norm.h"
#include "network/linear_product.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.detach().to(at::kDouble) - b.detach().to(at::kDouble)).abs().max().item<double>();
}

at::Tensor leaf(const at::Tensor& values) { return values.detach().clone().requires_grad_(true); }

// Float32 leaves of fixed random values.
std::vector<at::Tensor> leaves(const std::vector<std::vector<int64_t>>& shapes) {
  at::manual_seed(3);
  std::vector<at::Tensor> made;
  for (const auto& shape : shapes) made.push_back(leaf(at::randn(shape)));
  return made;
}

std::vector<at::Tensor> gradients_of(const at::Tensor& result, const std::vector<at::Tensor>& inputs) {
  return torch::autograd::grad({at::sin(result).sum()}, inputs);
}

// Runs `action` on so many of libtorch's threads.
template <typename F>
auto on_threads(int threads, F&& action) {
  const int before = at::get_num_threads();
  at::set_num_threads(threads);
  auto result = action();
  at::set_num_threads(before);
  return result;
}

struct LinearCase {
  std::vector<int64_t> x;
  int64_t out;
  bool bias;
};

TEST(LinearProduct, IsTheSameFunctionAndGradient) {
  const std::vector<LinearCase> cases = {{{1, 1}, 1, true},       {{5, 7}, 3, true},       {{2, 9, 32}, 64, true},
                                         {{3, 17, 48}, 2, false}, {{4, 1, 100}, 96, true}, {{2, 3, 5, 8}, 11, false},
                                         {{70, 130}, 257, true}};
  for (const LinearCase& one : cases) {
    std::vector<at::Tensor> inputs = leaves({one.x, {one.out, one.x.back()}, {one.out}});
    if (!one.bias) inputs.pop_back();
    const at::Tensor bias = one.bias ? inputs[2] : at::Tensor();
    const at::Tensor got = linear_product(inputs[0], inputs[1], bias);
    const at::Tensor wanted = at::linear(inputs[0], inputs[1], bias);
    ASSERT_EQ(got.sizes(), wanted.sizes());
    EXPECT_LE(largest_difference(got, wanted), 1e-4);
    const auto made = gradients_of(got, inputs), expected = gradients_of(wanted, inputs);
    for (size_t i = 0; i < inputs.size(); ++i) {
      const double size = std::max(1.0, expected[i].abs().max().item<double>());
      EXPECT_LE(largest_difference(made[i], expected[i]), 1e-4 * size) << "input " << i << " of " << one.out;
    }
  }
}

TEST(LinearProduct, ReadsRowsThatAreNotContiguous) {
  const std::vector<at::Tensor> inputs = leaves({{9, 6, 20}, {20, 12}});
  const auto through = [&](auto linear) {
    const at::Tensor y = linear(inputs[0].narrow(1, 0, 1), inputs[1].t(), at::Tensor());
    return std::make_pair(y, gradients_of(y.transpose(0, 1), inputs));
  };
  const auto got = through(linear_product);
  const auto wanted =
      through([](const at::Tensor& x, const at::Tensor& w, const at::Tensor& b) { return at::linear(x, w, b); });
  EXPECT_LE(largest_difference(got.first, wanted.first), 1e-5);
  for (size_t i = 0; i < inputs.size(); ++i) EXPECT_LE(largest_difference(got.second[i], wanted.second[i]), 1e-5);
}

TEST(LinearProduct, FrozenInputsGetNoGradient) {
  const std::vector<at::Tensor> inputs = leaves({{4, 6}, {5, 6}, {5}});
  linear_product(inputs[0], inputs[1].detach(), inputs[2].detach()).sum().backward();
  EXPECT_TRUE(inputs[0].grad().defined());
  EXPECT_FALSE(inputs[1].grad().defined());
  linear_product(inputs[0].detach(), inputs[1], inputs[2].detach()).sum().backward();
  EXPECT_TRUE(inputs[1].grad().defined());
  EXPECT_FALSE(linear_product(inputs[0].detach(), inputs[1].detach(), {}).requires_grad());
}

TEST(LinearProduct, OtherTypesAndEmptyWeightsGoToLibtorch) {
  const at::Tensor x = at::randn({3, 4}, at::kDouble), weight = at::randn({5, 4}, at::kDouble);
  EXPECT_EQ(largest_difference(linear_product(x, weight, {}), at::linear(x, weight)), 0);
  EXPECT_EQ(linear_product(at::ones({2, 3, 0}), at::ones({4, 0}), at::ones({4})).sum().item<double>(), 24);
  EXPECT_EQ(linear_product(at::ones({2, 3, 4}), at::ones({0, 4}), {}).numel(), 0);
}

TEST(Gelu, IsTheSameFunctionAndGradient) {
  const at::Tensor x = leaf(at::linspace(-14, 14, 100001).to(at::kFloat));
  const at::Tensor exact = leaf(x.to(at::kDouble));
  const at::Tensor got = fused_gelu(x), wanted = at::gelu(exact, "none");
  const at::Tensor size = at::clamp_min(exact.abs(), 1).detach();
  EXPECT_LE(((got.detach().to(at::kDouble) - wanted.detach()).abs() / size).max().item<double>(), 2.5e-7);
  const at::Tensor slope = torch::autograd::grad({got.sum()}, {x})[0];
  EXPECT_LE(largest_difference(slope, torch::autograd::grad({wanted.sum()}, {exact})[0]), 1e-6);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(fused_gelu(at::full({3}, nan)).sum().item<float>()));
}

// Of the sum of the squares of the first gradient.
std::vector<at::Tensor> second_order(const at::Tensor& result, const std::vector<at::Tensor>& inputs) {
  at::Tensor sum;
  for (const at::Tensor& first : torch::autograd::grad({at::sin(result).sum()}, inputs, {}, true, true)) {
    sum = sum.defined() ? sum + first.pow(2).sum() : first.pow(2).sum();
  }
  return torch::autograd::grad({sum}, inputs);
}

TEST(Fused, ProductsAndGeluHaveASecondDerivative) {
  const std::vector<at::Tensor> inputs = leaves({{6, 10}, {8, 10}, {8}});
  const auto got = second_order(fused_gelu(linear_product(inputs[0], inputs[1], inputs[2])), inputs);
  const auto wanted = second_order(at::gelu(at::linear(inputs[0], inputs[1], inputs[2]), "none"), inputs);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const double size = std::max(1.0, wanted[i].abs().max().item<double>());
    EXPECT_LE(largest_difference(got[i], wanted[i]), 1e-4 * size) << i;
  }
}

struct NormCase {
  std::vector<int64_t> shape;
  double dropout;
};

TEST(AddNorm, IsTheSameFunctionAndGradient) {
  for (const NormCase& one : std::vector<NormCase>{
           {{1, 1}, 0}, {{2, 7, 32}, 0}, {{3, 33, 45}, 0}, {{5, 21, 384}, 0.1}, {{65, 17}, 0.5}, {{3, 1, 31}, 0.3}}) {
    const int64_t width = one.shape.back();
    const std::vector<at::Tensor> inputs = leaves({one.shape, one.shape, {width}, {width}});
    DropoutStream stream;
    stream.seed(11);
    const at::Tensor got = fused_add_norm(inputs[0], inputs[1], inputs[2], inputs[3], 1e-5, stream.next(one.dropout));
    stream.seed(11);
    const at::Tensor sum = inputs[0] + stream.apply(inputs[1], one.dropout);
    const at::Tensor wanted = at::layer_norm(sum, {width}, inputs[2], inputs[3], 1e-5);
    EXPECT_LE(largest_difference(got, wanted), 1e-5) << width;
    const auto made = gradients_of(got, inputs), expected = gradients_of(wanted, inputs);
    for (size_t i = 0; i < inputs.size(); ++i) {
      const double size = std::max(1.0, expected[i].abs().max().item<double>());
      EXPECT_LE(largest_difference(made[i], expected[i]), 2e-5 * size) << "input " << i << " of width " << width;
    }
  }
}

TEST(AddNorm, KeepsSmallSpreadAroundALargeMean) {
  const at::Tensor x = at::linspace(-1, 1, 384).view({1, 384}) + 1000;
  const at::Tensor got = fused_add_norm(x, at::zeros_like(x), at::ones({384}), at::zeros({384}), 1e-12, {});
  EXPECT_LE(largest_difference(got, at::layer_norm(x.to(at::kDouble), {384}, {}, {}, 1e-12)), 1e-3);
}

TEST(Fused, LoopsGiveTheSameBitsOnAnyNumberOfThreads) {
  const auto run = [] {
    const std::vector<at::Tensor> inputs = leaves({{4, 70, 96}, {4, 70, 96}, {96}, {96}});
    const at::Tensor y = fused_gelu(fused_add_norm(inputs[0], inputs[1], inputs[2], inputs[3], 1e-5, {0.2, 77}));
    std::vector<at::Tensor> all = gradients_of(y, inputs);
    all.push_back(y);
    return all;
  };
  const auto one = on_threads(1, run), three = on_threads(3, run);
  for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(at::equal(one[i], three[i])) << i;
}

}  // namespace
}  // namespace espalier
