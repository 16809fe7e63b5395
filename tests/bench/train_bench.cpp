// Linears of a training step, forward and both backward products, at two models' shapes: libtorch through autograd, the
// network's own way, and the products alone of the two libraries that may multiply; of oneDNN also with all right
// operands packed beforehand, the most it can do. The ways take turns, and each figure is its fastest turn, so that
// what else runs on the machine counts little.

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <fmt/format.h>
#include <omp.h>
#include <torch/autograd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>

#include "base/runtime_environment.h"
#include "engine/onednn.h"
#include "engine/onednn_products.h"
#include "network/linear_product.h"

namespace espalier {
namespace {

constexpr int kTurns = 25;

struct Shape {
  const char* name;
  int64_t in, out;
};

constexpr Shape kShapes[] = {{"MiniLM attention", 384, 384},   {"MiniLM in_proj", 384, 1536},
                             {"MiniLM out_proj", 1536, 384},   {"BERT-base attention", 768, 768},
                             {"BERT-base in_proj", 768, 3072}, {"BERT-base out_proj", 3072, 768}};
constexpr int64_t kRows[] = {32 * 24, 32 * 128};

// Computes y = x w^T, and for a given gradient of y those of x and w.
using Way = std::function<void()>;

template <typename Function>
Function loaded(const char* symbol) {
  return reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, symbol));  // NOLINT: dlsym gives void*
}

void set_threads(int threads) {
  at::set_num_threads(threads);
  omp_set_num_threads(threads);
  if (const auto set = loaded<void (*)(int)>("openblas_set_num_threads"); set != nullptr) set(threads);
}

struct Operands {
  at::Tensor x, weight, bias, y_gradient;

  Operands(int64_t rows, const Shape& shape)
      : x(at::randn({rows, shape.in}).requires_grad_(true)),
        weight(at::randn({shape.out, shape.in}).requires_grad_(true)),
        bias(at::randn({shape.out}).requires_grad_(true)),
        y_gradient(at::randn({rows, shape.out})) {}
};

Way through_autograd(const Operands& given,
                     at::Tensor (*linear)(const at::Tensor&, const at::Tensor&, const at::Tensor&)) {
  return [=] {
    const at::Tensor y = linear(given.x, given.weight, given.bias);
    torch::autograd::grad({y}, {given.x, given.weight, given.bias}, {given.y_gradient});
  };
}

at::Tensor libtorch_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return at::linear(x, weight, bias);
}

// Where the products of both libraries go.
struct Results {
  at::Tensor y, x_gradient, weight_gradient;

  explicit Results(const Operands& given)
      : y(at::empty(given.y_gradient.sizes())),
        x_gradient(at::empty(given.x.sizes())),
        weight_gradient(at::empty(given.weight.sizes())) {}
};

const float* floats(const at::Tensor& tensor) { return tensor.data_ptr<float>(); }

using Sgemm = void (*)(const char*, const char*, const int*, const int*, const int*, const float*, const float*,
                       const int*, const float*, const int*, const float*, float*, const int*);

// BLAS counts matrices by columns: every operand is the transpose of ours.
Way through_blas(const Operands& given, const Shape& shape) {
  return [given, results = Results(given), in = static_cast<int>(shape.in), out = static_cast<int>(shape.out),
          sgemm = loaded<Sgemm>("sgemm_")] {
    const int rows = static_cast<int>(given.x.size(0));
    const float one = 1, zero = 0;
    const float *x = floats(given.x), *w = floats(given.weight), *dy = floats(given.y_gradient);
    sgemm("T", "N", &out, &rows, &in, &one, w, &in, x, &in, &zero, results.y.data_ptr<float>(), &out);
    sgemm("N", "N", &in, &rows, &out, &one, w, &in, dy, &out, &zero, results.x_gradient.data_ptr<float>(), &in);
    sgemm("N", "T", &in, &out, &rows, &one, x, &in, dy, &out, &zero, results.weight_gradient.data_ptr<float>(), &in);
  };
}

Way through_onednn(const Operands& given, const Shape& shape) {
  return [given, results = Results(given), in = shape.in, out = shape.out] {
    const int64_t rows = given.x.size(0);
    const float *x = floats(given.x), *w = floats(given.weight), *dy = floats(given.y_gradient);
    onednn::multiply({rows, in, out}, {x, false}, {w, true}, nullptr, results.y.data_ptr<float>());
    onednn::multiply({rows, out, in}, {dy, false}, {w, false}, nullptr, results.x_gradient.data_ptr<float>());
    onednn::multiply({out, rows, in}, {dy, true}, {x, false}, nullptr, results.weight_gradient.data_ptr<float>());
  };
}

// One product by a packed matrix, its rows shared out among the threads.
struct PackedProduct {
  at::Tensor left;  // (rows, depth)
  std::shared_ptr<const onednn::PackedMatrix> right;
  at::Tensor result;  // (rows, columns)
  std::vector<float> no_bias;

  PackedProduct(const at::Tensor& a, std::shared_ptr<const onednn::PackedMatrix> b, const at::Tensor& c)
      : left(a.contiguous()), right(std::move(b)), result(c), no_bias(static_cast<size_t>(c.size(1))) {}

  void run() const {
    at::parallel_for(0, left.size(0), 32, [&](int64_t begin, int64_t end) {
      const onednn::OneThread one_thread;
      right->multiply(floats(left) + begin * left.size(1), end - begin, no_bias.data(),
                      result.data_ptr<float>() + begin * result.size(1));
    });
  }
};

Way through_packed(const Operands& given, const Shape& shape) {
  onednn::Packer packer;
  const Results results(given);
  const int64_t rows = given.x.size(0);
  const at::Tensor weight_turned = given.weight.t().contiguous(), x_turned = given.x.t().contiguous();
  const std::vector<PackedProduct> products = {
      {given.x.detach(), packer.pack(floats(given.weight), shape.in, shape.out), results.y},
      {given.y_gradient, packer.pack(floats(weight_turned), shape.out, shape.in), results.x_gradient},
      {given.y_gradient.t(), packer.pack(floats(x_turned), rows, shape.in), results.weight_gradient}};
  return [products] {
    for (const PackedProduct& product : products) product.run();
  };
}

double seconds_of(const Way& way) {
  const auto begin = std::chrono::steady_clock::now();
  way();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// GFLOP/s of each way in its fastest turn.
std::vector<double> rates_of(const std::vector<Way>& ways, double operations) {
  std::vector<double> rates(ways.size());
  for (const Way& way : ways) way();
  for (int turn = 0; turn < kTurns; ++turn) {
    for (size_t i = 0; i < ways.size(); ++i) {
      rates[i] = std::max(rates[i], operations / seconds_of(ways[i]) * 1e-9);
    }
  }
  return rates;
}

// Linears whose name begins so.
void run(const std::string& prefix) {
  fmt::print("GFLOP/s of three products, the fastest of {} turns; share: network to oneDNN\n", kTurns);
  fmt::print("{:20} {:>5} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9} {:>6}\n", "linear", "rows", "threads", "libtorch",
             "network", "BLAS", "oneDNN", "packed", "share");
  for (const int threads : {1, 2}) {
    set_threads(threads);
    for (const int64_t rows : kRows) {
      for (const Shape& shape : kShapes) {
        if (!std::string(shape.name).starts_with(prefix)) continue;
        const Operands given(rows, shape);
        const std::vector<double> rates =
            rates_of({through_autograd(given, libtorch_linear), through_autograd(given, linear_product),
                      through_blas(given, shape), through_onednn(given, shape), through_packed(given, shape)},
                     6.0 * static_cast<double>(rows * shape.in * shape.out));
        fmt::print("{:20} {:5} {:7} {:9.0f} {:9.0f} {:9.0f} {:9.0f} {:9.0f} {:6.2f}\n", shape.name, rows, threads,
                   rates[0], rates[1], rates[2], rates[3], rates[4], rates[1] / rates[3]);
        std::fflush(stdout);
      }
    }
  }
}

}  // namespace
}  // namespace espalier

int main(int argc, char** argv) {
  espalier::ensure_runtime_environment(argv);
  espalier::keep_freed_memory();
  const espalier::KeepLargeBlocks keep;
  espalier::run(argc > 1 ? argv[1] : "");
}
