// Gates learnt under an L0 penalty (Voita 2019, arXiv 1905.09418; Louizos 2018, arXiv 1712.01312): each gate is a
// hard-concrete variable, one draw a step for the whole batch. Here the weights stay as they are, so that the gates say
// what this model needs; the paper trains both.

#include <ATen/ATen.h>
#include <torch/optim/adam.h>

#include <cmath>

#include "base/rng.h"
#include "introspect/gates.h"

namespace espalier {
namespace {

constexpr double kBeta = 0.33, kGamma = -0.1, kZeta = 1.1;
constexpr double kFirstLogAlpha = 2;  // gates begin open

// Uniform in (0, 1), drawn here so that the same seed gives the same gates with every libtorch.
at::Tensor uniform(int64_t count, Rng& rng) {
  at::Tensor values = at::empty({count});
  for (int64_t i = 0; i < count; ++i) {
    values.data_ptr<float>()[i] = static_cast<float>(1e-6 + (1 - 2e-6) * rng.uniform());
  }
  return values;
}

}  // namespace

LayerScores learnt_gate_scores(const Model& model, const EncodedDataset& data, Prunable prunable,
                               const CriterionOptions& options, JobContext& context) {
  const at::Device device(options.device);
  Network network(model, {.placement = {.device = options.device}});
  for (auto& [name, parameter] : network.parameters()) parameter.set_requires_grad(false);
  const std::vector<GateBatch> batches = gate_batches(model, data, options.batch_size, options.device);
  const std::vector<int64_t> counts = gate_counts(model.architecture, prunable);
  std::vector<at::Tensor> log_alphas;
  int64_t total = 0;
  for (const int64_t count : counts) {
    log_alphas.push_back(at::full({count}, kFirstLogAlpha, at::TensorOptions(device)).requires_grad_(true));
    total += count;
  }
  torch::optim::Adam adam(log_alphas, torch::optim::AdamOptions(options.gate_learning_rate));
  Rng rng = Rng(options.seed).fork("learnt gates");
  std::vector<size_t> turns;
  for (int64_t step = 0; step < options.gate_steps; ++step) {
    context.cancel.throw_if_cancelled();
    if (turns.empty()) {
      for (size_t i = 0; i < batches.size(); ++i) turns.push_back(i);
      rng.shuffle(turns);
    }
    const GateBatch& batch = batches[turns.back()];
    turns.pop_back();
    std::vector<at::Tensor> gates;
    at::Tensor open = at::zeros({}, at::TensorOptions(device));
    for (size_t layer = 0; layer < counts.size(); ++layer) {
      const at::Tensor u = uniform(counts[layer], rng).to(device);
      const at::Tensor soft = at::sigmoid((u.log() - (1 - u).log() + log_alphas[layer]) / kBeta);
      gates.push_back((soft * (kZeta - kGamma) + kGamma).clamp(0, 1));
      open = open + at::sigmoid(log_alphas[layer] - kBeta * std::log(-kGamma / kZeta)).sum();
    }
    ForwardOptions forward;
    forward.cancel = &context.cancel;
    set_gates(forward, prunable, gates);
    const at::Tensor loss =
        summed_loss(network.forward(batch.batch, forward).logits, batch.examples, model.architecture.head.kind) /
            static_cast<double>(batch.examples.size()) +
        options.gate_penalty * open / static_cast<double>(total);
    adam.zero_grad();
    loss.backward();
    adam.step();
    context.progress.report(static_cast<double>(step + 1) / static_cast<double>(options.gate_steps));
  }
  LayerScores scores;
  for (const at::Tensor& log_alpha : log_alphas) {
    const at::Tensor plain = log_alpha.detach().to(at::kCPU, at::kDouble).contiguous();
    scores.emplace_back(plain.data_ptr<double>(), plain.data_ptr<double>() + plain.numel());
  }
  return scores;
}

}  // namespace espalier
