#pragma once
// How long the sequences of a job are, from its settings.

#include "base/json_fwd.h"
#include "data/qa_windows.h"
#include "model/model.h"

namespace espalier {

// What the settings of a job say of lengths, in tokens; a member that is absent has the default of the kind of task and
// none is longer than the model reads.
struct SequenceLengths {
  int64_t max_length = 0;         // "max_length": of a text, pair or sentence (128)
  QaWindowOptions windows;        // "max_length" (384), "stride" (128) and "max_query" (64) of question answering
  int64_t block_length = 0;       // "block_length": of running text (128; when measuring that of the training, or 512)
  int64_t block_stride = 0;       // "stride" of running text: see token_blocks (when measuring block_length - 1)
  int64_t max_source_length = 0;  // "max_source_length" of a translation (128)
  int64_t max_target_length = 0;  // "max_target_length" of a translation (128)
};

// InvalidInput for a length that leaves no room.
SequenceLengths job_lengths(const Json& settings, const Model& model, bool measuring);

}  // namespace espalier
