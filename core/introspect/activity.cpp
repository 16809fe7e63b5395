// Criteria that look at what a model does, without a loss: confidence and entropy of a head's attention (Voita 2019,
// section 4), influence of a layer (Men 2024, equation 1), activation of a unit (after Sun 2023, equation 1, summed
// over the weights that read the unit).

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <functional>

#include "introspect/gates.h"

namespace espalier {
namespace {

// (B, S): 1 for tokens of the text, 0 for special ones and padding.
at::Tensor text_mask(const GateBatch& batch) {
  at::Tensor mask = at::zeros({batch.batch.input_ids.size(0), batch.batch.input_ids.size(1)});
  for (size_t row = 0; row < batch.examples.size(); ++row) {
    const std::vector<bool>& special = batch.examples[row]->encoding.special;
    float* values = mask.data_ptr<float>() + static_cast<int64_t>(row) * mask.size(1);
    for (size_t token = 0; token < special.size(); ++token) values[token] = special[token] ? 0.f : 1.f;
  }
  return mask.to(batch.batch.input_ids.device());
}

// A score of every item, summed over the tokens that `weights` counts: (n) from what one layer did.
using LayerSum = std::function<at::Tensor(const ForwardResult& result, size_t layer, const at::Tensor& weights)>;

at::Tensor confidence(const ForwardResult& result, size_t layer, const at::Tensor& text) {
  const at::Tensor to_text = result.attentions[layer] * text.unsqueeze(1).unsqueeze(1);  // (B, A, S, S)
  return (to_text.amax(-1) * text.unsqueeze(1)).sum(at::IntArrayRef{0, 2});
}

at::Tensor negative_entropy(const ForwardResult& result, size_t layer, const at::Tensor& text) {
  const at::Tensor& share = result.attentions[layer];
  const at::Tensor by_token = (share * share.clamp_min(1e-30).log()).sum(-1);  // (B, A, S)
  return (by_token * text.unsqueeze(1)).sum(at::IntArrayRef{0, 2});
}

at::Tensor influence(const ForwardResult& result, size_t layer, const at::Tensor& tokens) {
  const at::Tensor cosine = at::cosine_similarity(result.hidden_states[layer], result.hidden_states[layer + 1], -1);
  return ((1 - cosine) * tokens).sum().view({1});
}

at::Tensor squared_activation(const ForwardResult& result, size_t layer, const at::Tensor& tokens) {
  return (result.unit_activations[layer].pow(2) * tokens.unsqueeze(-1)).sum(at::IntArrayRef{0, 1});
}

}  // namespace

LayerScores activity_scores(const Model& model, const EncodedDataset& data, Criterion criterion,
                            const CriterionOptions& options, JobContext& context) {
  const at::NoGradGuard no_grad;
  Network network(model, {.placement = {.device = options.device}});
  const std::vector<GateBatch> batches = gate_batches(model, data, options.batch_size, options.device);
  const bool of_heads = criterion == Criterion::Confidence || criterion == Criterion::Entropy;
  ForwardOptions forward;
  forward.cancel = &context.cancel;
  forward.attentions = of_heads;
  forward.hidden_states = criterion == Criterion::Influence;
  forward.unit_activations = criterion == Criterion::Activation;
  const LayerSum sum_of = criterion == Criterion::Confidence  ? confidence
                          : criterion == Criterion::Entropy   ? negative_entropy
                          : criterion == Criterion::Influence ? influence
                                                              : squared_activation;
  const size_t num_layers = model.architecture.layers.size();
  std::vector<at::Tensor> sums(num_layers);
  double weight = 0;
  for (size_t i = 0; i < batches.size(); ++i) {
    context.cancel.throw_if_cancelled();
    const ForwardResult result = network.forward(batches[i].batch, forward);
    const at::Tensor counted = of_heads ? text_mask(batches[i]) : batches[i].batch.attention_mask.to(at::kFloat);
    weight += counted.sum().item<double>();
    for (size_t layer = 0; layer < num_layers; ++layer) {
      const at::Tensor part = sum_of(result, layer, counted).to(at::kDouble);
      sums[layer] = sums[layer].defined() ? sums[layer] + part : part;
    }
    context.progress.report(static_cast<double>(i + 1) / static_cast<double>(batches.size()));
  }
  LayerScores scores;
  for (size_t layer = 0; layer < num_layers; ++layer) {
    at::Tensor mean = sums[layer].to(at::kCPU) / std::max(weight, 1.0);
    if (criterion == Criterion::Activation) {
      const LayerIndex index(static_cast<int32_t>(layer));
      const at::Tensor read = to_torch(materialize(model.weight(layer_slot(index, "ffn.out_proj", "weight"))));
      mean = mean.sqrt() * read.to(at::kDouble).pow(2).sum(0).sqrt();
    }
    mean = mean.contiguous();
    scores.emplace_back(mean.data_ptr<double>(), mean.data_ptr<double>() + mean.numel());
  }
  return scores;
}

}  // namespace espalier
