#include "train/adamw.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

namespace espalier {
namespace {

constexpr int64_t kChunk = 1 << 15;  // elements; fixed, so that results do not depend on the number of threads

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

__attribute__((target_clones("avx512f", "avx2", "default"))) void decay_chunk(float* p, int64_t n, float keep) {
  for (int64_t i = 0; i < n; ++i) p[i] *= keep;
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

double sum_of_squares(const at::Tensor& any_gradient) {
  const at::Tensor gradient = any_gradient.is_sparse() ? any_gradient.coalesce().values() : any_gradient;
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

void step_all(AdamWEntry& entry, const at::Tensor& gradient, const StepFactors& factors) {
  auto* p = entry.parameter.data_ptr<float>();
  auto* m = entry.first_moment.data_ptr<float>();
  auto* v = entry.second_moment.data_ptr<float>();
  const auto* g = gradient.data_ptr<float>();
  const int64_t count = entry.parameter.numel();
  at::parallel_for(0, (count + kChunk - 1) / kChunk, 1, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin * kChunk; at < std::min(end * kChunk, count); at += kChunk) {
      step_chunk(p + at, m + at, v + at, g + at, std::min(kChunk, count - at), factors);
    }
  });
}

std::vector<bool> rows_that_are_not_zero(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor any = at::logical_or(a.ne(0).any(1), b.ne(0).any(1)).contiguous();
  const auto* flags = any.data_ptr<bool>();
  return std::vector<bool>(flags, flags + any.numel());
}

// A row without gradient and moments only decays: the second moment would stay zero, the update would be 0 / epsilon.
void step_rows(AdamWEntry& entry, const at::Tensor& coalesced, const StepFactors& factors) {
  const int64_t rows = entry.parameter.size(0);
  const int64_t width = entry.parameter.size(1);
  if (entry.rows_with_moments.empty()) {
    entry.rows_with_moments = rows_that_are_not_zero(entry.first_moment, entry.second_moment);
  }
  const at::Tensor indices = coalesced.indices()[0].contiguous();
  const at::Tensor values = coalesced.values().contiguous();
  const std::vector<float> zeros(static_cast<size_t>(width), 0.F);
  std::vector<const float*> gradient_of_row(static_cast<size_t>(rows), nullptr);
  for (int64_t i = 0; i < indices.numel(); ++i) {
    const auto row = static_cast<size_t>(indices.data_ptr<int64_t>()[i]);
    gradient_of_row[row] = values.data_ptr<float>() + i * width;
    entry.rows_with_moments[row] = true;
  }
  auto* p = entry.parameter.data_ptr<float>();
  auto* m = entry.first_moment.data_ptr<float>();
  auto* v = entry.second_moment.data_ptr<float>();
  at::parallel_for(0, rows, std::max<int64_t>(1, kChunk / width), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const auto r = static_cast<size_t>(row);
      const int64_t at = row * width;
      if (entry.rows_with_moments[r]) {
        const float* g = gradient_of_row[r] != nullptr ? gradient_of_row[r] : zeros.data();
        step_chunk(p + at, m + at, v + at, g, width, factors);
      } else if (factors.keep != 1) {
        decay_chunk(p + at, width, factors.keep);
      }
    }
  });
}

}  // namespace

AdamW::AdamW(const std::map<std::string, at::Tensor>& parameters, const std::function<bool(const std::string&)>& decays,
             const AdamWOptions& options)
    : options_(options) {
  for (const auto& [name, parameter] : parameters) {
    const at::Tensor values = parameter.detach();
    entries_[name] = {parameter, decays(name), at::zeros_like(values), at::zeros_like(values), {}};
  }
}

double AdamW::gradient_norm() {
  double sum = 0;
  for (auto& [name, entry] : entries_) {
    at::Tensor& gradient = entry.parameter.mutable_grad();
    if (gradient.defined() && gradient.is_sparse()) gradient = gradient.coalesce();
    if (gradient.defined()) sum += sum_of_squares(gradient);
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
    at::Tensor gradient = parameter.grad();
    if (gradient.is_sparse() && !plain_float(parameter)) gradient = gradient.to_dense();
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
    if (gradient.is_sparse()) {
      step_rows(entry, gradient.coalesce(), factors);
    } else {
      step_all(entry, gradient.contiguous(), factors);
    }
  }
  clear_gradients();
}

void AdamW::restored(int64_t steps) {
  steps_ = steps;
  for (auto& [name, entry] : entries_) entry.rows_with_moments.clear();
}

void AdamW::clear_gradients() {
  for (auto& [name, entry] : entries_) entry.parameter.mutable_grad() = at::Tensor();
}

}  // namespace espalier
