#pragma once
// One forward pass of one stack. Each thread owns a range of rows (tokens) from the embedding to the last layer and
// takes it through in tiles of rows; threads meet once a layer, before attention, when every key and value is there.

#include "engine/decoding_state.h"
#include "engine/engine.h"
#include "engine/pass_buffers.h"
#include "engine/prepared_model.h"

namespace espalier {

// Throws InvalidInput naming the sequence and token that cannot be run. `lengths`: tokens of each sequence that were
// run before, or empty.
void check_batch(const EmbeddingSpec& embedding, const PackedBatch& batch, const std::vector<int32_t>& lengths = {});

struct PassOptions {
  Stack stack = Stack::Encoder;
  // What earlier passes left: the keys and values of the encoder's output for a decoder, and, when state->cached, those
  // of the tokens before the batch's, to which the batch's are added. Null: there is nothing but the batch.
  DecodingState* state = nullptr;
  // Of an encoder: where the decoder's keys and values of its output go.
  DecodingState* memory = nullptr;
  // Where the pass begins: with `states` (T, hidden) as the input of first_layer, or, when null, with the embeddings.
  size_t first_layer = 0;
  const float* states = nullptr;
  bool logits = true;            // run the head
  bool last_token_only = false;  // logits of each sequence's last token, (B, outputs)
};

// `batch` must have passed check_batch. What an encoder found goes to hidden_states and attentions of `output`, what a
// decoder found to its decoder_ members.
void run_pass(const PreparedModel& model, const PackedBatch& batch, const EngineRequest& request,
              const PassOptions& options, int threads, Workspace& workspace, EngineOutput& output);

}  // namespace espalier
