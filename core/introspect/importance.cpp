// Importance of heads (Michel 2019, arXiv 1905.10650, equation 2), of feed-forward units and of layers by the gradient
// of a gate. The gate gets one element an example, so that one backward pass of the summed loss gives every example's
// gradient.

#include <ATen/ATen.h>
#include <torch/autograd.h>

#include <chrono>

#include "base/error.h"
#include "introspect/gates.h"
#include "introspect/introspect.h"
#include "network/network.h"
#include "network/torch_errors.h"

namespace espalier {
namespace {

// Gates of ones for every layer: (B, n), or a token each: (B, n, S) for heads and (B, S, n) for units.
std::vector<at::Tensor> make_gates(const std::vector<int64_t>& counts, Prunable prunable, bool by_token,
                                   const NetworkBatch& batch) {
  const int64_t examples = batch.input_ids.size(0), length = batch.input_ids.size(1);
  std::vector<at::Tensor> gates;
  for (const int64_t count : counts) {
    std::vector<int64_t> shape = {examples, count};
    if (by_token && prunable == Prunable::Heads) shape = {examples, count, length};
    if (by_token && prunable == Prunable::Units) shape = {examples, length, count};
    gates.push_back(at::ones(shape, batch.input_ids.options().dtype(at::kFloat)).requires_grad_(true));
  }
  return gates;
}

// Calls take(layer, gradient) for every batch and layer; a gate that nothing reads has zeros.
void for_each_gradient(const Model& model, const std::vector<GateBatch>& batches, Prunable prunable, bool by_token,
                       const std::string& device, JobContext& context,
                       const std::function<void(size_t, const at::Tensor&)>& take) {
  require_loss(model.architecture);
  Network network(model, {.placement = {.device = device}});
  const std::vector<int64_t> counts = gate_counts(model.architecture, prunable);
  for (size_t i = 0; i < batches.size(); ++i) {
    context.cancel.throw_if_cancelled();
    const std::vector<at::Tensor> gates = make_gates(counts, prunable, by_token, batches[i].batch);
    ForwardOptions forward;
    forward.cancel = &context.cancel;
    set_gates(forward, prunable, gates);
    const at::Tensor loss = summed_loss(network.forward(batches[i].batch, forward).logits, batches[i].examples,
                                        model.architecture.head.kind);
    const auto gradients = torch::autograd::grad({loss}, gates, {}, false, false, true);
    for (size_t layer = 0; layer < counts.size(); ++layer) {
      take(layer, gradients[layer].defined() ? gradients[layer] : at::zeros_like(gates[layer]));
    }
    context.progress.report(static_cast<double>(i + 1) / static_cast<double>(batches.size()));
  }
}

// |gradient| summed over examples and tokens: (n) in double precision.
at::Tensor summed_magnitude(const at::Tensor& gradient, Prunable prunable) {
  const at::Tensor magnitude = gradient.abs().to(at::kDouble);
  if (magnitude.dim() == 2) return magnitude.sum(0);
  return magnitude.sum(prunable == Prunable::Heads ? 2 : 1).sum(0);
}

std::vector<double> to_vector(const at::Tensor& values) {
  const at::Tensor plain = values.to(at::kCPU, at::kDouble).contiguous();
  return {plain.data_ptr<double>(), plain.data_ptr<double>() + plain.numel()};
}

void add(at::Tensor& sum, const at::Tensor& part) { sum = sum.defined() ? sum + part : part; }

Importance gate_importance(const Model& model, const EncodedDataset& data, const ImportanceOptions& options,
                           Prunable prunable, JobContext& context) {
  require_loss(model.architecture);
  const auto begin = std::chrono::steady_clock::now();
  EncodedDataset used;
  const auto count =
      std::min<size_t>(data.examples.size(), static_cast<size_t>(std::max<int64_t>(options.max_examples, 0)));
  used.examples.assign(data.examples.begin(), data.examples.begin() + static_cast<std::ptrdiff_t>(count));

  const std::vector<GateBatch> batches = gate_batches(model, used, options.batch_size, options.device);
  int64_t tokens = 0;
  for (const GateBatch& batch : batches) tokens += batch.tokens;
  const size_t num_layers = model.architecture.layers.size();
  std::vector<at::Tensor> sums(num_layers);
  for_each_gradient(
      model, batches, prunable, options.average == ImportanceAverage::PerToken, options.device, context,
      [&](size_t layer, const at::Tensor& gradient) { add(sums[layer], summed_magnitude(gradient, prunable)); });

  Importance importance;
  importance.examples = static_cast<int64_t>(count);
  for (size_t layer = 0; layer < num_layers; ++layer) {
    // In the last layer only the first token is read, so that there are as many of them as examples.
    const bool by_token = options.average == ImportanceAverage::PerToken && layer + 1 < num_layers;
    importance.scores.push_back(
        to_vector(sums[layer] / static_cast<double>(by_token ? tokens : static_cast<int64_t>(count))));
  }
  if (options.normalize_layers) normalize_layers(importance.scores);
  importance.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return importance;
}

}  // namespace

Importance head_importance(const Model& model, const EncodedDataset& data, const ImportanceOptions& options,
                           JobContext& context) {
  return with_torch_errors("head importance",
                           [&] { return gate_importance(model, data, options, Prunable::Heads, context); });
}

Importance unit_importance(const Model& model, const EncodedDataset& data, const ImportanceOptions& options,
                           JobContext& context) {
  return with_torch_errors("unit importance",
                           [&] { return gate_importance(model, data, options, Prunable::Units, context); });
}

LayerScores gradient_scores(const Model& model, const EncodedDataset& data, Prunable prunable, bool squared,
                            const CriterionOptions& options, JobContext& context) {
  const std::vector<GateBatch> batches = gate_batches(model, data, options.batch_size, options.device);
  std::vector<at::Tensor> sums(model.architecture.layers.size());
  for_each_gradient(model, batches, prunable, false, options.device, context,
                    [&](size_t layer, const at::Tensor& gradient) {
                      const at::Tensor exact = gradient.to(at::kDouble);
                      add(sums[layer], (squared ? exact.pow(2) : exact.abs()).sum(0));
                    });
  LayerScores scores;
  for (const at::Tensor& sum : sums) scores.push_back(to_vector(sum / static_cast<double>(data.examples.size())));
  return scores;
}

}  // namespace espalier
