#include "train/adamw.h"

#include <torch/torch.h>

#include <cmath>

namespace espalier {
namespace {

constexpr int64_t kChunk = 1 << 15;  // elements; fixed, so that sums do not depend on the number of threads

// The numbers of one step, the same for every element.
struct StepFactors {
  float keep;  // 1 - rate * decay
  float beta1, one_minus_beta1;
  float beta2, one_minus_beta2;
  float step_size;     // rate / (1 - beta1^t)
  float inverse_root;  // 1 / sqrt(1 - beta2^t)
  float epsilon;
  float gradient_scale;
};

__attribute__((target_clones("avx512f", "avx2", "default"))) void step_chunk(float* p, float* m, float* v,
                                                                             const float* g, int64_t n,
                                                                             const StepFactors f) {
  for (int64_t i = 0; i < n; ++i) {
    const float gradient = g[i] * f.gradient_scale;
    const float first = f.beta1 * m[i] + f.one_minus_beta1 * gradient;
    const float second = f.beta2 * v[i] + f.one_minus_beta2 * gradient * gradient;
    m[i] = first;
    v[i] = second;
    p[i] = f.keep * p[i] - f.step_size * first / (std::sqrt(second) * f.inverse_root + f.epsilon);
  }
}

__attribute__((target_clones("avx512f", "avx2", "default"))) double squares_of_chunk(const float* g, int64_t n) {
  constexpr int64_t kLanes = 16;
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] += g[i + lane] * g[i + lane];
  }
  double sum = 0;
  for (const float lane : lanes) sum += lane;
  for (; i < n; ++i) sum += static_cast<double>(g[i]) * g[i];
  return sum;
}

bool plain_float(const at::Tensor& tensor) {
  return tensor.device().is_cpu() && tensor.scalar_type() == at::kFloat && tensor.is_contiguous();
}

double sum_of_squares(const at::Tensor& gradient) {
  if (!plain_float(gradient)) return gradient.pow(2).sum().to(at::kDouble).item<double>();
  const auto* values = gradient.data_ptr<float>();
  const int64_t count = gradient.numel();
  const int64_t chunks = (count + kChunk - 1) / kChunk;
  std::vector<double> partial(static_cast<size_t>(chunks));
  at::parallel_for(0, chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      partial[static_cast<size_t>(c)] = squares_of_chunk(values + c * kChunk, std::min(kChunk, count - c * kChunk));
    }
  });
  double sum = 0;
  for (const double part : partial) sum += part;
  return sum;
}

}  // namespace

AdamW::AdamW(const std::map<std::string, at::Tensor>& parameters, const std::function<bool(const std::string&)>& decays,
             const AdamWOptions& options)
    : options_(options) {
  for (const auto& [name, parameter] : parameters) {
    const at::Tensor values = parameter.detach();
    entries_[name] = {parameter, decays(name), at::zeros_like(values), at::zeros_like(values)};
  }
}

double AdamW::gradient_norm() const {
  double sum = 0;
  for (const auto& [name, entry] : entries_) {
    if (entry.parameter.grad().defined()) sum += sum_of_squares(entry.parameter.grad());
  }
  return std::sqrt(sum);
}

void AdamW::step(double learning_rate, double gradient_scale) {
  const at::NoGradGuard no_grad;
  ++steps_;
  const auto t = static_cast<double>(steps_);
  const double step_size = learning_rate / (1 - std::pow(options_.beta1, t));
  const double inverse_root = 1 / std::sqrt(1 - std::pow(options_.beta2, t));
  for (auto& [name, entry] : entries_) {
    at::Tensor& parameter = entry.parameter;
    if (!parameter.grad().defined()) continue;
    const at::Tensor gradient = parameter.grad().contiguous();
    const double keep = 1 - learning_rate * (entry.decays ? options_.weight_decay : 0);
    if (!plain_float(parameter)) {
      const at::Tensor scaled = gradient * gradient_scale;
      entry.first_moment.mul_(options_.beta1).add_(scaled, 1 - options_.beta1);
      entry.second_moment.mul_(options_.beta2).addcmul_(scaled, scaled, 1 - options_.beta2);
      parameter.mul_(keep).addcdiv_(entry.first_moment,
                                    entry.second_moment.sqrt().mul_(inverse_root).add_(options_.epsilon), -step_size);
      continue;
    }
    const StepFactors factors{.keep = static_cast<float>(keep),
                              .beta1 = static_cast<float>(options_.beta1),
                              .one_minus_beta1 = static_cast<float>(1 - options_.beta1),
                              .beta2 = static_cast<float>(options_.beta2),
                              .one_minus_beta2 = static_cast<float>(1 - options_.beta2),
                              .step_size = static_cast<float>(step_size),
                              .inverse_root = static_cast<float>(inverse_root),
                              .epsilon = static_cast<float>(options_.epsilon),
                              .gradient_scale = static_cast<float>(gradient_scale)};
    auto* p = parameter.data_ptr<float>();
    auto* m = entry.first_moment.data_ptr<float>();
    auto* v = entry.second_moment.data_ptr<float>();
    const auto* g = gradient.data_ptr<float>();
    at::parallel_for(0, parameter.numel(), kChunk, [&](int64_t begin, int64_t end) {
      step_chunk(p + begin, m + begin, v + begin, g + begin, end - begin, factors);
    });
  }
  clear_gradients();
}

void AdamW::clear_gradients() {
  for (auto& [name, entry] : entries_) entry.parameter.mutable_grad() = at::Tensor();
}

}  // namespace espalier
