#include "introspect/gates.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "data/batching.h"

namespace espalier {

std::vector<int64_t> gate_counts(const Architecture& architecture, Prunable prunable) {
  std::vector<int64_t> counts;
  for (const LayerSpec& layer : architecture.layers) {
    counts.push_back(prunable == Prunable::Heads   ? layer.attention.num_heads()
                     : prunable == Prunable::Units ? layer.ffn.width
                                                   : 1);
  }
  return counts;
}

void set_gates(ForwardOptions& options, Prunable prunable, const std::vector<at::Tensor>& gates) {
  (prunable == Prunable::Heads   ? options.head_gates
   : prunable == Prunable::Units ? options.unit_gates
                                 : options.layer_gates) = &gates;
}

void require_loss(const Architecture& architecture) {
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

std::vector<GateBatch> gate_batches(const Model& model, const EncodedDataset& data, int64_t batch_size,
                                    const std::string& device) {
  if (data.examples.empty()) throw Error(ErrorKind::InvalidInput, "importance needs at least one example");
  std::vector<GateBatch> batches;
  for (const std::vector<int32_t>& indices : plan_by_length(data, batch_size)) {
    GateBatch made;
    std::vector<const Encoding*> encodings;
    for (const int32_t i : indices) {
      made.examples.push_back(&data.examples[static_cast<size_t>(i)]);
      encodings.push_back(&made.examples.back()->encoding);
      made.tokens += static_cast<int64_t>(encodings.back()->size());
    }
    made.batch = make_network_batch(encodings, static_cast<TokenId>(model.architecture.embedding.pad_token_id), device);
    batches.push_back(std::move(made));
  }
  return batches;
}

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

GatedModel::GatedModel(const Model& model, const EncodedDataset& data, Prunable prunable, int64_t batch_size,
                       const std::string& device)
    : prunable_(prunable),
      head_(model.architecture.head.kind),
      counts_(gate_counts(model.architecture, prunable)),
      network_(model, {.placement = {.device = device}}),
      examples_(static_cast<int64_t>(data.examples.size())) {
  require_loss(model.architecture);
  batches_ = gate_batches(model, data, batch_size, device);
}

GatedModel::Outcome GatedModel::run(const std::vector<PrunableItem>& closed, const CancelToken& cancel) {
  const at::NoGradGuard no_grad;
  // Layers whose gates are all open have none: attention without a gate is faster.
  std::vector<at::Tensor> gates(counts_.size());
  for (const PrunableItem& item : closed) {
    at::Tensor& gate = gates[static_cast<size_t>(item.layer)];
    if (!gate.defined()) gate = at::ones({counts_[static_cast<size_t>(item.layer)]});
    gate.data_ptr<float>()[item.index] = 0;
  }
  for (at::Tensor& gate : gates) {
    if (gate.defined()) gate = gate.to(at::Device(network_.placement().device));
  }
  Outcome outcome;
  for (const GateBatch& batch : batches_) {
    cancel.throw_if_cancelled();
    ForwardOptions forward;
    forward.cancel = &cancel;
    set_gates(forward, prunable_, gates);
    const at::Tensor logits = network_.forward(batch.batch, forward).logits;
    outcome.loss += summed_loss(logits, batch.examples, head_).item<double>();
    const at::Tensor answers = logits.argmax(1).to(at::kCPU);
    for (size_t i = 0; i < batch.examples.size(); ++i) {
      outcome.right += answers.data_ptr<int64_t>()[i] == batch.examples[i]->label;
    }
  }
  outcome.loss /= static_cast<double>(examples_);
  return outcome;
}

void normalize_layers(LayerScores& scores) {
  for (std::vector<double>& layer : scores) {
    double squares = 0;
    for (const double score : layer) squares += score * score;
    if (squares <= 0) continue;
    for (double& score : layer) score /= std::sqrt(squares);
  }
}

}  // namespace espalier
