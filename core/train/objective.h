#pragma once
// What a training run is about: examples, loss, and the figure on the dev set that says which weights are best. The
// trainer (fine_tune.cpp) knows steps, rates and checkpoints and no kind of task. Objectives use NetworkBatch and the
// logits of ForwardResult only, so that any model of those shapes can be trained.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/rng.h"
#include "model/model.h"
#include "network/network.h"
#include "train/fingerprint.h"
#include "train/loss.h"

namespace espalier {

// What batches are made for.
struct BatchFrame {
  TokenId pad_id = 0;
  TokenId decoder_pad_id = 0;
  TokenId decoder_start = -1;  // what a decoder reads first; -1 without one
  std::string device = "cpu";
};

struct TrainingBatch {
  NetworkBatch inputs;
  LossTargets targets;  // of the rows
  at::Tensor places;    // (R) int64: rows of the flattened logits that have a target; undefined: every row has one
  int64_t tokens = 0;   // real ones, padding not counted
};

// Gives the logits of a batch without gradient, on the CPU.
using LogitsOf = std::function<at::Tensor(const NetworkBatch& batch)>;

struct DevMetric {
  std::string name;  // "accuracy", "perplexity", ...
  bool higher_is_better = true;
};

class Objective {
 public:
  virtual ~Objective() = default;
  // The model with a head that gives what the objective needs; a fresh one (with_task_head) where its own does not fit.
  virtual Model with_head(const Model& model, uint64_t seed) const = 0;
  // Tokens of every training example, in order: what batches are planned by.
  virtual std::vector<int64_t> lengths() const = 0;
  // The batch of these training examples. Random choices (masked tokens) come from `rng`, a function of seed and step.
  virtual TrainingBatch batch(const std::vector<int32_t>& examples, const BatchFrame& frame, Rng rng) const = 0;
  // The rows (R, C) of a batch's logits that the targets stand beside; those of a teacher too.
  virtual at::Tensor rows(const at::Tensor& logits, const TrainingBatch& batch) const;
  // Whether each example gives one row, whatever the step: then a teacher is asked once for each.
  virtual bool one_row_each() const { return false; }

  virtual DevMetric dev_metric() const = 0;
  virtual bool has_dev() const = 0;
  virtual double measure_dev(const LogitsOf& logits_of, const BatchFrame& frame) const = 0;
  // Everything of the data that changes a result.
  virtual void add_to(Fingerprint& fingerprint) const = 0;
};

// --- For objectives -------------------------------------------------------------------------------------------------

inline constexpr int64_t kEvaluationBatch = 64;  // sequences
inline constexpr int32_t kNoTarget = -1;

// Throws InvalidInput when there is nothing to train on.
void require_training_examples(size_t count);

// Sets labels and places of a batch whose logits are (B, width, C), from a target a token (kNoTarget: none). A sequence
// may have fewer targets than `width`, not more.
void set_token_targets(TrainingBatch& batch, const std::vector<const std::vector<int32_t>*>& targets, int64_t width,
                       const BatchFrame& frame);

// Sum of -log p of the targets of a batch, nats, and their number.
struct TargetLikelihood {
  double nll_sum = 0;
  int64_t targets = 0;
};
TargetLikelihood likelihood_of(const at::Tensor& rows, const at::Tensor& labels);

}  // namespace espalier
