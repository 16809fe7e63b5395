#include "measure/runner.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "data/batching.h"
#include "engine/engine.h"
#include "measure/cost.h"

namespace espalier {
namespace {

// Enough for the linears to run at full speed; memory grows with it.
constexpr int64_t kMaxBatch = 64;
// Logits held at once: 128 MB.
constexpr int64_t kMaxLogits = int64_t{1} << 25;

class EngineRunner : public Runner {
 public:
  explicit EngineRunner(const Model& model) : architecture_(model.architecture), engine_(model) {}

  const Architecture& architecture() const override { return architecture_; }

  Tensor logits(const std::vector<const Encoding*>& sequences, const CancelToken& cancel) const override {
    cancel.throw_if_cancelled();
    return engine_.run(pack(sequences)).logits;
  }

  std::vector<std::vector<TokenId>> generate(const std::vector<const Encoding*>& sequences, const GenerationSpec& spec,
                                             const CancelToken& cancel) const override {
    return engine_.generate(pack(sequences), spec, cancel);
  }

 private:
  Architecture architecture_;
  Engine engine_;
};

}  // namespace

std::unique_ptr<Runner> make_engine_runner(const Model& model) { return std::make_unique<EngineRunner>(model); }

void for_each_output(const Runner& runner, const std::vector<const Encoding*>& sequences, JobContext& context,
                     int64_t max_tokens, const std::function<void(size_t index, const SequenceLogits& logits)>& take) {
  const HeadSpec& head = runner.architecture().head;
  std::vector<int64_t> lengths;
  for (const Encoding* sequence : sequences) lengths.push_back(std::ssize(sequence->ids));
  const bool wide = head_rows(head.kind, 2) > 1 && head.num_labels > 0;
  const int64_t tokens = wide ? std::clamp<int64_t>(kMaxLogits / head.num_labels, 1, max_tokens) : max_tokens;
  const auto begin = std::chrono::steady_clock::now();
  size_t done = 0;
  for (const std::vector<int32_t>& indices : plan_by_length(lengths, kMaxBatch, tokens)) {
    std::vector<const Encoding*> batch;
    for (const int32_t index : indices) batch.push_back(sequences[static_cast<size_t>(index)]);
    const Tensor logits = runner.logits(batch, context.cancel);
    int64_t rows = 0;
    for (const Encoding* sequence : batch) rows += head_rows(head.kind, std::ssize(sequence->ids));
    if (logits.dim() != 2 || logits.size(0) != rows) {
      throw Error(ErrorKind::Unsupported, {.what = "the model gives no logits an example",
                                           .where = {},
                                           .got = to_string(logits.shape()),
                                           .wanted = "a head for the task",
                                           .next = "Fine-tune it on the task first: espalier train."});
    }
    const std::span<const float> values = logits.values<float>();
    size_t at = 0;
    for (size_t i = 0; i < indices.size(); ++i) {
      const auto part = static_cast<size_t>(head_rows(head.kind, std::ssize(batch[i]->ids)) * logits.size(1));
      take(static_cast<size_t>(indices[i]), {values.subspan(at, part), logits.size(1)});
      at += part;
    }
    done += indices.size();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    context.progress.report(static_cast<double>(done) / static_cast<double>(sequences.size()),
                            seconds > 0 ? static_cast<double>(done) / seconds : 0, "sequences");
  }
}

}  // namespace espalier
