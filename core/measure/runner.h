#pragma once
// What evaluation needs of whatever runs a model. The engine is what is deployed and so what is measured; a model that
// it does not run goes through the network (network_runner.h).

#include <functional>
#include <memory>
#include <vector>

#include "base/job_context.h"
#include "base/tensor.h"
#include "model/model.h"
#include "text/encoding.h"

namespace espalier {

class Runner {
 public:
  virtual ~Runner() = default;
  virtual const Architecture& architecture() const = 0;
  // Of a model without a decoder, F32: (B, outputs) for heads on sequences, else (T, outputs) with the tokens of all
  // sequences one behind the other.
  virtual Tensor logits(const std::vector<const Encoding*>& sequences, const CancelToken& cancel) const = 0;
  // Engine::generate.
  virtual std::vector<std::vector<TokenId>> generate(const std::vector<const Encoding*>& sequences,
                                                     const GenerationSpec& spec, const CancelToken& cancel) const = 0;
};

// On the engine, with as many threads as there are cores.
std::unique_ptr<Runner> make_engine_runner(const Model& model);

// The logits of one sequence: one row for heads on sequences, else a row a token. Row-major.
struct SequenceLogits {
  std::span<const float> values;
  int64_t outputs = 0;

  std::span<const float> row(int64_t index) const {
    return values.subspan(static_cast<size_t>(index * outputs), static_cast<size_t>(outputs));
  }
};

// Runs every sequence in batches of sequences of like length with `max_tokens` tokens at most, fewer where the head is
// wide. `take` gets the index of each and its logits, in no particular order.
void for_each_output(const Runner& runner, const std::vector<const Encoding*>& sequences, JobContext& context,
                     int64_t max_tokens, const std::function<void(size_t index, const SequenceLogits& logits)>& take);

inline constexpr int64_t kEvaluationTokens = 2048;

}  // namespace espalier
