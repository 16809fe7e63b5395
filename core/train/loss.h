#pragma once
// Losses of fine-tuning, means over the batch.

#include <ATen/core/Tensor.h>

namespace espalier {

// T^2 KL(softmax(teacher / T) || softmax(student / T)), summed over classes, mean over rows (Hinton 2015, arXiv
// 1503.02531; T^2 keeps the size of the gradient). Both logits (B, C). The teacher gets no gradient.
at::Tensor distillation_loss(const at::Tensor& student, const at::Tensor& teacher, double temperature);

// What a batch is trained towards.
struct LossTargets {
  bool regression = false;
  at::Tensor labels;          // (B) int64, for classification
  at::Tensor scores;          // (B) floating, for regression
  at::Tensor teacher_logits;  // (B, C) or undefined
  double distill_alpha = 0;   // share of the teacher's part
  double distill_temperature = 1;
  double label_smoothing = 0;  // probability that is spread over all classes (Szegedy 2016, arXiv 1512.00567)
};

// (1 - alpha) cross-entropy + alpha distillation_loss; for regression the same with mean squared errors. Without a row
// (B = 0) zero.
at::Tensor task_loss(const at::Tensor& logits, const LossTargets& targets);

}  // namespace espalier
