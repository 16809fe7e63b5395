#include "train/loss.h"

#include <ATen/ATen.h>

namespace espalier {

at::Tensor distillation_loss(const at::Tensor& student, const at::Tensor& teacher, double temperature) {
  const at::Tensor student_log = at::log_softmax(student / temperature, -1);
  const at::Tensor teacher_log = at::log_softmax(teacher.detach() / temperature, -1);
  return (teacher_log.exp() * (teacher_log - student_log)).sum(-1).mean() * (temperature * temperature);
}

at::Tensor task_loss(const at::Tensor& logits, const LossTargets& targets) {
  if (logits.size(0) == 0) return logits.sum();
  const double alpha = targets.teacher_logits.defined() ? targets.distill_alpha : 0.0;
  at::Tensor loss;
  if (alpha < 1) {
    const at::Tensor own = targets.regression ? at::mse_loss(logits.squeeze(-1), targets.scores)
                                              : at::cross_entropy_loss(logits, targets.labels, {}, at::Reduction::Mean,
                                                                       -100, targets.label_smoothing);
    loss = own * (1 - alpha);
  }
  if (alpha > 0) {
    const at::Tensor taught = targets.regression
                                  ? at::mse_loss(logits, targets.teacher_logits)
                                  : distillation_loss(logits, targets.teacher_logits, targets.distill_temperature);
    loss = loss.defined() ? loss + taught * alpha : taught * alpha;
  }
  return loss;
}

}  // namespace espalier
