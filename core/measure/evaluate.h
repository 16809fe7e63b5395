#pragma once
#include <functional>
#include <vector>

#include "base/job_context.h"
#include "data/task.h"
#include "engine/engine.h"
#include "measure/quality.h"

namespace espalier {

// Logits (N, labels) of every example in data order, batches packed by length.
Tensor predict(const Engine& engine, const EncodedDataset& data, JobContext& context, int64_t max_tokens = 2048);
// The same of whatever gives the logits (B, labels) of a batch.
using RunBatch = std::function<Tensor(const std::vector<const Encoding*>& encodings)>;
Tensor predict(const RunBatch& run, const EncodedDataset& data, JobContext& context, int64_t max_tokens = 2048);

}  // namespace espalier
