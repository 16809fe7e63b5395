#pragma once
#include <cstdint>
#include <vector>

#include "base/rng.h"
#include "data/task.h"

namespace espalier {

// Indices of examples, one vector a batch.
using BatchPlan = std::vector<std::vector<int32_t>>;

// Tokens of each example.
std::vector<int64_t> lengths_of(const EncodedDataset& dataset);

// For evaluation: sorted by length so that neighbours are alike, at most batch_size examples and max_tokens tokens.
BatchPlan plan_by_length(const std::vector<int64_t>& lengths, int64_t batch_size, int64_t max_tokens = 0);
BatchPlan plan_by_length(const EncodedDataset& dataset, int64_t batch_size, int64_t max_tokens = 0);

// For training: shuffled, then sorted by length inside windows of `window` batches, batches shuffled again. Every
// example once.
BatchPlan plan_shuffled(const std::vector<int64_t>& lengths, int64_t batch_size, Rng& rng, int64_t window = 50);
BatchPlan plan_shuffled(const EncodedDataset& dataset, int64_t batch_size, Rng& rng, int64_t window = 50);

}  // namespace espalier
