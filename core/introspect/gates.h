#pragma once
// What the criteria share: gates on heads, units or layers, batches of examples, the loss of a task. Needs libtorch.

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

#include "introspect/criteria.h"
#include "network/network.h"

namespace espalier {

// Gates of every layer: heads, units, or 1.
std::vector<int64_t> gate_counts(const Architecture& architecture, Prunable prunable);
// Points `options` to the gates.
void set_gates(ForwardOptions& options, Prunable prunable, const std::vector<at::Tensor>& gates);

// Throws Unsupported unless the head has a loss of a whole example.
void require_loss(const Architecture& architecture);

// Examples padded to one length on a device.
struct GateBatch {
  NetworkBatch batch;
  std::vector<const EncodedExample*> examples;
  int64_t tokens = 0;
};
// All of the data, by length, without reordering between calls. Keeps pointers to `data`. InvalidInput when there is no
// example.
std::vector<GateBatch> gate_batches(const Model& model, const EncodedDataset& data, int64_t batch_size,
                                    const std::string& device);

// Sum over the batch of each example's loss: cross-entropy in nats or squared error. InvalidInput for a label that the
// model does not know.
at::Tensor summed_loss(const at::Tensor& logits, const std::vector<const EncodedExample*>& examples, HeadKind kind);

// A model whose gates are set anew for every pass over the same examples.
class GatedModel {
 public:
  GatedModel(const Model& model, const EncodedDataset& data, Prunable prunable, int64_t batch_size,
             const std::string& device);

  struct Outcome {
    int64_t right = 0;  // classification
    double loss = 0;    // mean
  };
  // With the gates of `closed` at 0, all others at 1.
  Outcome run(const std::vector<PrunableItem>& closed, const CancelToken& cancel);
  int64_t examples() const { return examples_; }

 private:
  Prunable prunable_;
  HeadKind head_;
  std::vector<int64_t> counts_;
  Network network_;
  std::vector<GateBatch> batches_;
  int64_t examples_ = 0;
};

// The ways to score that have a file of their own; score_items() chooses.
LayerScores gradient_scores(const Model& model, const EncodedDataset& data, Prunable prunable, bool squared,
                            const CriterionOptions& options, JobContext& context);
LayerScores ablation_scores(const Model& model, const EncodedDataset& data, Prunable prunable,
                            const CriterionOptions& options, JobContext& context);
LayerScores learnt_gate_scores(const Model& model, const EncodedDataset& data, Prunable prunable,
                               const CriterionOptions& options, JobContext& context);
// Confidence, entropy, influence, activation.
LayerScores activity_scores(const Model& model, const EncodedDataset& data, Criterion criterion,
                            const CriterionOptions& options, JobContext& context);

// The l2 norm of every layer's scores becomes 1, where it is not 0.
void normalize_layers(LayerScores& scores);

}  // namespace espalier
