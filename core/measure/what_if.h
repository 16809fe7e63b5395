#pragma once
// What accuracy becomes when a model is edited, answered while one waits. The baseline is run once and the input of
// every layer is kept; a question runs from the first layer that the edit changes, on the examples that tell most
// first, and stops as soon as the estimate is as narrow as asked.
//
// The examples are parted by the baseline's margin (the largest logit less the second): those with a small one change
// their answer first. With N_h examples in stratum h, n_h of them run, drawn at random without replacement, and d the
// change of an example's hit (-1, 0, 1), the change of the number of hits is estimated without bias by
//   sum over h of N_h mean_h(d),  with variance  sum over h of N_h^2 (1 - n_h / N_h) v_h / n_h
// (Cochran 1977, Sampling Techniques, chapter 5: stratified sampling of a finite population). v_h = q - m^2 with the
// share of changed hits q = (changed + 1/2) / (n_h + 1), Jeffreys' estimate, and m = (gained - lost) / (n_h + 1): no
// change among a few examples does not mean that there is none. The interval is the estimate +- 1.96 deviations, cut
// to what the examples not yet run allow. It is about the value on these very examples, which is exact, with an
// interval of no width, when all have run. How the numbers n_h grow is fixed before any question, so they do not
// depend on what is found.

#include <functional>
#include <optional>
#include <vector>

#include "base/job_context.h"
#include "data/task.h"
#include "engine/engine.h"
#include "measure/interval.h"

namespace espalier {

struct WhatIfOptions {
  double half_width = 0.01;               // of accuracy's interval, 0..1; 0: every example is run
  int64_t keep_bytes = int64_t{1} << 29;  // for kept layer inputs, at the most; what does not fit is computed anew
  uint64_t seed = 1;                      // of the order of examples within a stratum
  EngineOptions engine = {};
};

struct WhatIfEstimate {
  int64_t examples_run = 0;
  int64_t examples = 0;
  Interval accuracy;  // of all examples
  Interval changed;   // share of all examples that get another answer
  int64_t lost = 0;   // hits of the baseline, among those run, that are none any more
  int64_t gained = 0;
  bool settled = false;  // narrow enough, or exact: the last one of a question
};

// The layer whose input is the last state that both models have in common: everything before it is equal in
// specification and values. Equal to the number of the edited model's layers when only what follows the layers
// differs. None: the embeddings, or what all layers share, differ.
std::optional<LayerIndex> first_changed_layer(const Model& baseline, const Model& edited);

// A baseline ready to be asked about. Questions may be asked by several threads at once.
class WhatIf {
 public:
  // Runs the baseline on every example. Throws InvalidInput for no example, or one without a label; Unsupported for a
  // model that gives no class an example or that the engine does not run; Cancelled.
  WhatIf(Model baseline, EncodedDataset data, const WhatIfOptions& options, JobContext& context);

  // `on_estimate` hears of every batch, the last estimate included. The edited model must read the same tokens and give
  // the same labels, else InvalidInput. Throws Cancelled, as soon as a batch is done.
  WhatIfEstimate ask(const Model& edited, const std::function<void(const WhatIfEstimate&)>& on_estimate = {},
                     const CancelToken& cancel = {}) const;
  // The same with another width than the options'.
  WhatIfEstimate ask(const Model& edited, double half_width,
                     const std::function<void(const WhatIfEstimate&)>& on_estimate = {},
                     const CancelToken& cancel = {}) const;

  const Model& baseline() const { return baseline_; }
  const WhatIfOptions& options() const { return options_; }
  int64_t examples() const { return static_cast<int64_t>(data_.examples.size()); }
  Interval baseline_accuracy() const;  // Wilson: over the texts that might have been drawn
  int64_t kept_bytes() const;
  // Layers whose input is kept, ascending.
  const std::vector<LayerIndex>& kept_layers() const { return kept_layers_; }
  // Examples in the order in which questions run them.
  const std::vector<uint32_t>& order() const { return order_; }

 private:
  // Consecutive examples of the order.
  struct Batch {
    size_t begin = 0, end = 0;
    PackedBatch tokens;
  };

  int64_t baseline_hits() const;
  void choose_layers();
  void run_baseline(JobContext& context);
  void put_in_order(const std::vector<float>& margins);
  void plan_batches();
  std::vector<int32_t> answers_of(const Engine& engine, const Batch& batch, std::optional<size_t> kept) const;

  Model baseline_;
  EncodedDataset data_;
  WhatIfOptions options_;
  Engine engine_;
  std::vector<int64_t> first_token_;  // (N + 1) of each example, in data order
  std::vector<LayerIndex> kept_layers_;
  std::vector<std::vector<float>> kept_;  // of each kept layer (tokens, hidden), in data order
  std::vector<int32_t> answers_;          // of the baseline
  std::vector<int32_t> stratum_of_;       // of each example
  std::vector<int64_t> stratum_sizes_;
  std::vector<uint32_t> order_;
  std::vector<Batch> batches_;
};

}  // namespace espalier
