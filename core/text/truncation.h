#pragma once
#include "text/token_spans.h"
#include "text/tokenizer.h"

namespace espalier {

// Cuts the ends off so that the texts and `num_special` special tokens fit options.max_length. InvalidInput when the
// strategy cannot do that.
void truncate(TokenSpans& first, TokenSpans* second, const EncodeOptions& options, int64_t num_special);

}  // namespace espalier
