#include "measure/evaluate.h"

#include <algorithm>

#include "base/error.h"
#include "data/batching.h"

namespace espalier {
namespace {

// Enough for the linears to run at full speed; memory grows with it.
constexpr int64_t kMaxBatch = 64;

}  // namespace

Tensor predict(const Engine& engine, const EncodedDataset& data, JobContext& context, int64_t max_tokens) {
  return predict([&](const std::vector<const Encoding*>& encodings) { return engine.run(pack(encodings)).logits; },
                 data, context, max_tokens);
}

Tensor predict(const RunBatch& run, const EncodedDataset& data, JobContext& context, int64_t max_tokens) {
  std::vector<float> logits;
  int64_t labels = 0;
  size_t done = 0;
  for (const std::vector<int32_t>& indices : plan_by_length(data, kMaxBatch, max_tokens)) {
    context.cancel.throw_if_cancelled();
    std::vector<const Encoding*> encodings;
    for (const int32_t index : indices) encodings.push_back(&data.examples[static_cast<size_t>(index)].encoding);
    const Tensor batch = run(encodings);
    if (batch.dim() != 2 || batch.size(0) != static_cast<int64_t>(indices.size())) {
      throw Error(ErrorKind::Unsupported, {.what = "the model gives no logits an example",
                                           .where = {},
                                           .got = to_string(batch.shape()),
                                           .wanted = "a classification or regression head",
                                           .next = "Fine-tune it on the task first: espalier train."});
    }
    labels = batch.size(1);
    logits.resize(data.examples.size() * static_cast<size_t>(labels));
    const auto values = batch.values<float>();
    for (size_t row = 0; row < indices.size(); ++row) {
      const auto from = values.subspan(row * static_cast<size_t>(labels), static_cast<size_t>(labels));
      std::copy(from.begin(), from.end(),
                logits.begin() + static_cast<std::ptrdiff_t>(indices[row]) * static_cast<std::ptrdiff_t>(labels));
    }
    done += indices.size();
    context.progress.report(static_cast<double>(done) / static_cast<double>(data.examples.size()));
  }
  return Tensor::from({static_cast<int64_t>(data.examples.size()), labels}, std::move(logits));
}

}  // namespace espalier
