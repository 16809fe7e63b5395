// Importance of heads (Michel 2019, arXiv 1905.10650, equation 2) and of feed-forward units by the gradient of a gate.
// The gate gets one element an example, so that one backward pass of the summed loss gives every example's gradient.

#include <torch/torch.h>

#include <chrono>
#include <cmath>

#include "base/error.h"
#include "data/batching.h"
#include "introspect/introspect.h"
#include "network/network.h"
#include "network/torch_errors.h"

namespace espalier {
namespace {

enum class GateKind { Heads, Units };

void check_head(const Architecture& architecture) {
  if (architecture.is_recurrent()) {
    throw Error(ErrorKind::Unsupported, {.what = "this model has no attention heads and no feed-forward units",
                                         .where = "",
                                         .got = "recurrent layers",
                                         .wanted = "a Transformer",
                                         .next = "choose another model; weights are looked at on any"});
  }
  const HeadKind kind = architecture.head.kind;
  if (kind == HeadKind::Classification || kind == HeadKind::Regression) return;
  throw Error(ErrorKind::Unsupported, {.what = "importance needs the loss of a task",
                                       .where = "",
                                       .got = "a model with the head " + std::string(to_string(kind)),
                                       .wanted = "a classification or regression head",
                                       .next = "fine-tune the model on a task first"});
}

// Sum over the batch of each example's loss.
at::Tensor summed_loss(const at::Tensor& logits, const std::vector<const EncodedExample*>& examples, HeadKind kind) {
  const auto count = static_cast<int64_t>(examples.size());
  if (kind == HeadKind::Regression) {
    at::Tensor scores = at::empty({count}, at::kDouble);
    for (int64_t i = 0; i < count; ++i) scores.data_ptr<double>()[i] = examples[static_cast<size_t>(i)]->score;
    return (logits.squeeze(-1) - scores.to(logits.options())).pow(2).sum();
  }
  at::Tensor labels = at::empty({count}, at::kLong);
  for (int64_t i = 0; i < count; ++i) {
    const int32_t label = examples[static_cast<size_t>(i)]->label;
    if (label < 0 || label >= logits.size(1)) {
      throw Error(ErrorKind::InvalidInput, {.what = "an example has no label that the model knows",
                                            .where = "",
                                            .got = std::to_string(label),
                                            .wanted = "0 to " + std::to_string(logits.size(1) - 1),
                                            .next = "choose a labelled split"});
    }
    labels.data_ptr<int64_t>()[i] = label;
  }
  return at::cross_entropy_loss(logits, labels.to(logits.device()), {}, at::Reduction::Sum);
}

// Gates of ones for every layer, (B, n) or (B, n, S) for heads and (B, S, n) for units.
std::vector<at::Tensor> make_gates(const Architecture& architecture, GateKind kind, ImportanceAverage average,
                                   int64_t batch, int64_t length, const at::TensorOptions& options) {
  std::vector<at::Tensor> gates;
  for (const LayerSpec& layer : architecture.layers) {
    const int64_t count = kind == GateKind::Heads ? layer.attention.num_heads() : layer.ffn.width;
    std::vector<int64_t> shape = {batch, count};
    if (average == ImportanceAverage::PerToken) {
      shape = kind == GateKind::Heads ? std::vector<int64_t>{batch, count, length}
                                      : std::vector<int64_t>{batch, length, count};
    }
    gates.push_back(at::ones(shape, options).requires_grad_(true));
  }
  return gates;
}

// |gradient| summed over examples and tokens: (n) in double precision.
at::Tensor summed_magnitude(const at::Tensor& gradient, GateKind kind) {
  const at::Tensor magnitude = gradient.abs().to(at::kDouble);
  if (magnitude.dim() == 2) return magnitude.sum(0);
  return magnitude.sum(kind == GateKind::Heads ? 2 : 1).sum(0);
}

void normalize(std::vector<double>& scores) {
  double squares = 0;
  for (const double score : scores) squares += score * score;
  if (squares <= 0) return;
  for (double& score : scores) score /= std::sqrt(squares);
}

Importance gate_importance(const Model& model, const EncodedDataset& data, const ImportanceOptions& options,
                           GateKind kind, JobContext& context) {
  check_head(model.architecture);
  const auto begin = std::chrono::steady_clock::now();
  EncodedDataset used;
  const auto count =
      std::min<size_t>(data.examples.size(), static_cast<size_t>(std::max<int64_t>(options.max_examples, 0)));
  used.examples.assign(data.examples.begin(), data.examples.begin() + static_cast<std::ptrdiff_t>(count));
  if (used.examples.empty()) throw Error(ErrorKind::InvalidInput, "importance needs at least one example");

  Network network(model, {.device = options.device, .float64 = false});
  const auto num_layers = model.architecture.layers.size();
  std::vector<at::Tensor> sums(num_layers);
  int64_t tokens = 0;
  size_t done = 0;
  for (const std::vector<int32_t>& indices : plan_by_length(used, options.batch_size)) {
    context.cancel.throw_if_cancelled();
    std::vector<const EncodedExample*> examples;
    std::vector<const Encoding*> encodings;
    for (const int32_t i : indices) {
      examples.push_back(&used.examples[static_cast<size_t>(i)]);
      encodings.push_back(&examples.back()->encoding);
      tokens += static_cast<int64_t>(encodings.back()->size());
    }
    const NetworkBatch batch =
        make_network_batch(encodings, static_cast<TokenId>(model.architecture.embedding.pad_token_id), options.device);
    const std::vector<at::Tensor> gates =
        make_gates(model.architecture, kind, options.average, batch.input_ids.size(0), batch.input_ids.size(1),
                   at::TensorOptions().dtype(at::kFloat).device(at::Device(options.device)));
    ForwardOptions forward;
    forward.cancel = &context.cancel;
    (kind == GateKind::Heads ? forward.head_gates : forward.unit_gates) = &gates;
    const at::Tensor loss = summed_loss(network.forward(batch, forward).logits, examples, model.architecture.head.kind);
    const auto gradients = torch::autograd::grad({loss}, gates, {}, false, false, true);
    for (size_t layer = 0; layer < num_layers; ++layer) {
      const at::Tensor part =
          summed_magnitude(gradients[layer].defined() ? gradients[layer] : at::zeros_like(gates[layer]), kind);
      sums[layer] = sums[layer].defined() ? sums[layer] + part : part;
    }
    done += indices.size();
    context.progress.report(static_cast<double>(done) / static_cast<double>(count));
  }

  Importance importance;
  importance.examples = static_cast<int64_t>(count);
  for (size_t layer = 0; layer < num_layers; ++layer) {
    // In the last layer only the first token is read, so that there are as many of them as examples.
    const bool by_token = options.average == ImportanceAverage::PerToken && layer + 1 < num_layers;
    const at::Tensor mean =
        (sums[layer] / static_cast<double>(by_token ? tokens : static_cast<int64_t>(count))).to(at::kCPU).contiguous();
    std::vector<double> scores(mean.data_ptr<double>(), mean.data_ptr<double>() + mean.numel());
    if (options.normalize_layers) normalize(scores);
    importance.scores.push_back(std::move(scores));
  }
  importance.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return importance;
}

}  // namespace

Importance head_importance(const Model& model, const EncodedDataset& data, const ImportanceOptions& options,
                           JobContext& context) {
  return with_torch_errors("head importance",
                           [&] { return gate_importance(model, data, options, GateKind::Heads, context); });
}

Importance unit_importance(const Model& model, const EncodedDataset& data, const ImportanceOptions& options,
                           JobContext& context) {
  return with_torch_errors("unit importance",
                           [&] { return gate_importance(model, data, options, GateKind::Units, context); });
}

}  // namespace espalier
