#include "train/objective.h"

#include <ATen/ATen.h>

#include "base/error.h"

namespace espalier {

at::Tensor Objective::rows(const at::Tensor& logits, const TrainingBatch& batch) const {
  const at::Tensor flat = logits.reshape({-1, logits.size(-1)});
  return batch.places.defined() ? flat.index_select(0, batch.places) : flat;
}

void require_training_examples(size_t count) {
  if (count > 0) return;
  throw Error(ErrorKind::InvalidInput, {.what = "there is nothing to train on",
                                        .where = "",
                                        .got = "0 examples",
                                        .wanted = "at least one",
                                        .next = "check the train split of the task"});
}

void set_token_targets(TrainingBatch& batch, const std::vector<const std::vector<int32_t>*>& targets, int64_t width,
                       const BatchFrame& frame) {
  std::vector<int64_t> places, labels;
  for (size_t b = 0; b < targets.size(); ++b) {
    for (size_t i = 0; i < targets[b]->size(); ++i) {
      if ((*targets[b])[i] == kNoTarget) continue;
      places.push_back(static_cast<int64_t>(b) * width + static_cast<int64_t>(i));
      labels.push_back((*targets[b])[i]);
    }
  }
  const at::Device device(frame.device);
  batch.places = at::tensor(places, at::kLong).to(device);
  batch.targets.labels = at::tensor(labels, at::kLong).to(device);
}

TargetLikelihood likelihood_of(const at::Tensor& rows, const at::Tensor& labels) {
  TargetLikelihood found;
  found.targets = labels.numel();
  if (found.targets == 0) return found;
  const at::Tensor chosen = at::log_softmax(rows, -1).gather(-1, labels.to(at::kCPU).unsqueeze(-1));
  found.nll_sum = -chosen.to(at::kDouble).sum().item<double>();
  return found;
}

}  // namespace espalier
