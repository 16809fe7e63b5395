#pragma once
#include <vector>

#include "engine/engine.h"
#include "engine/prepared_model.h"

namespace espalier {

// What a pass keeps for who asked, written row by row by any thread.
struct PassOutputs {
  std::vector<float> logits;                                      // (rows, outputs)
  std::vector<std::vector<float>> hidden_states;                  // layers + 1 of (T, hidden)
  std::vector<std::vector<std::vector<float>>> attentions;        // [layer][sequence] (heads, n, keys)
  std::vector<std::vector<std::vector<float>>> cross_attentions;  // [layer][sequence] (heads, n, m)
};

// Tokens of one sequence of the batch, and the keys that they attend to.
struct SequenceSizes {
  int64_t tokens = 0;
  int64_t keys = 0;
  int64_t memory = 0;  // keys of cross-attention
};

// Room for what `request` asks of `stack`; `logit_rows` 0: no logits.
PassOutputs reserve_outputs(const PreparedModel& model, const PreparedStack& stack, const EngineRequest& request,
                            const std::vector<SequenceSizes>& sequences, int64_t logit_rows);

// Moves hidden states and attentions to the encoder's or the decoder's members of `output`.
void take_layers(PassOutputs& from, const PreparedModel& model, const PreparedStack& stack, bool decoder,
                 const std::vector<SequenceSizes>& sequences, EngineOutput& output);

}  // namespace espalier
