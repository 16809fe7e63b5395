#pragma once
// Greedy and beam search over whatever gives the next token's logits.

#include <span>
#include <vector>

#include "base/cancel.h"
#include "base/index.h"
#include "model/architecture.h"

namespace espalier {

// The logits (rows, vocab) of the token that comes next in each of the sequences that go on together.
class NextToken {
 public:
  virtual ~NextToken() = default;
  // One sequence, the prompt.
  virtual std::vector<float> start(std::span<const TokenId> prompt) = 0;
  // Row i goes on from what row parents[i] was after the last call, by tokens[i].
  virtual std::vector<float> next(std::span<const int32_t> parents, std::span<const TokenId> tokens) = 0;
};

// Throws InvalidInput naming the member: no language model's head, a token that is not in the vocabulary.
void check_generation(const Architecture& architecture, const GenerationSpec& spec);

// The same with a max_length that positions allow. Throws InvalidInput when there is no room behind the prompt.
GenerationSpec within_positions(const GenerationSpec& spec, const EmbeddingSpec& embedding, int64_t prompt_length);

// The prompt and what follows, up to spec.max_length tokens in all. Beam search keeps spec.beams running sequences and
// as many finished ones, scored by the sum of log-probabilities over length ^ length_penalty, length being that of what
// was written; sequences of the greatest length count as finished.
std::vector<TokenId> search(NextToken& model, const std::vector<TokenId>& prompt, const GenerationSpec& spec,
                            const CancelToken& cancel);

}  // namespace espalier
