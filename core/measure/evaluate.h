#pragma once
#include <functional>
#include <vector>

#include "base/job_context.h"
#include "data/task.h"
#include "engine/engine.h"
#include "measure/quality.h"
#include "measure/runner.h"

namespace espalier {

// Logits (N, labels) of every example in data order, batches packed by length.
Tensor predict(const Runner& runner, const EncodedDataset& data, JobContext& context,
               int64_t max_tokens = kEvaluationTokens);
// The same of a model on an engine that is there already.
Tensor predict(const Engine& engine, const EncodedDataset& data, JobContext& context,
               int64_t max_tokens = kEvaluationTokens);

}  // namespace espalier
