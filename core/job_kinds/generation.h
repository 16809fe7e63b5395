#pragma once
#include "data/sequences.h"
#include "model/model.h"

namespace espalier {

// How the model writes a translation: as its files say, and where they say nothing from its tokenizer: targets end with
// the token that the tokenizer sets behind them, or with its token for an end ("</s>", "[SEP]", ...), and the decoder
// begins with the padding token (as T5 and Marian do). At most `max_target_length` tokens. InvalidInput when there is
// no such token.
GenerationSpec generation_of(const Model& model, const Tokenizer& tokenizer, int64_t max_target_length);

// Ends every target with a token that ends a translation, in place of its last one where it is full.
void end_targets(EncodedTranslationDataset& data, const GenerationSpec& spec, int64_t max_target_length);

}  // namespace espalier
