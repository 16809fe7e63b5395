#pragma once
// The whole state of a training run in one file, so that a run continues to the same bits. The random choices (order of
// examples, dropout masks) are functions of the seed and the step, so no generator is part of it.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/tensor.h"

namespace espalier {

struct TrainState {
  int64_t step = 0;    // steps done
  int64_t tokens = 0;  // real tokens seen
  double train_seconds = 0;
  std::vector<double> last_losses;  // of at most the last 50 steps
  bool evaluated = false;
  double best_metric = 0;
  int64_t best_step = 0;
  int64_t evaluations_since_best = 0;

  // Values by parameter name; best empty when nothing was evaluated yet.
  std::map<std::string, Tensor> parameters, first_moments, second_moments, best;
};

// Atomically, replacing the one before, which stays when writing is cancelled. `fingerprint` names options, model and
// data.
void save_checkpoint(const std::filesystem::path& folder, const TrainState& state, const std::string& fingerprint,
                     const CancelToken& cancel);

// Empty when there is none of this fingerprint. A damaged file is a Format error.
std::optional<TrainState> load_checkpoint(const std::filesystem::path& folder, const std::string& fingerprint);

void remove_checkpoint(const std::filesystem::path& folder);

}  // namespace espalier
