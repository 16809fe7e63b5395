#pragma once
// AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2) over named parameters.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace espalier {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;
};

// One parameter and its moments, which have its shape and element type.
struct AdamWEntry {
  at::Tensor parameter;
  bool decays = true;
  at::Tensor first_moment;
  at::Tensor second_moment;
  // For a table with sparse gradients: rows whose moments are not all zero. Empty: not known yet.
  std::vector<bool> rows_with_moments;
};

// Not thread-safe; a step uses libtorch's threads and gives the same bits for any number of them. A sparse gradient
// means zeros in the rows it does not name: the step is that of the dense gradient, to the bit, without reading or
// writing what cannot change.
class AdamW {
 public:
  // `decays` says by name whether weight decay applies.
  AdamW(const std::map<std::string, at::Tensor>& parameters, const std::function<bool(const std::string&)>& decays,
        const AdamWOptions& options);

  // l2 norm of all gradients together.
  double gradient_norm();
  // One step with every gradient multiplied by gradient_scale. Parameters without a gradient stay. Clears gradients.
  void step(double learning_rate, double gradient_scale = 1);
  // Forgets the gradients.
  void clear_gradients();

  int64_t steps() const { return steps_; }
  // After the parameters and moments were set from a checkpoint of so many steps.
  void restored(int64_t steps);
  // By name, for checkpoints; the tensors may be written to (see restored).
  const std::map<std::string, AdamWEntry>& entries() const { return entries_; }

 private:
  std::map<std::string, AdamWEntry> entries_;
  AdamWOptions options_;
  int64_t steps_ = 0;
};

}  // namespace espalier
