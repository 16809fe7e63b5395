#pragma once
// Tokenized examples of the tasks that give every token, or a sequence of them, its target.

#include <cstdint>
#include <vector>

#include "data/task.h"

namespace espalier {

// --- Token classification -------------------------------------------------------------------------------------------

struct EncodedWords {
  Encoding encoding;
  std::vector<int32_t> words;   // of each token: index of its word in Example::words, -1 for special tokens
  std::vector<int32_t> labels;  // of each token: the tag at the first token of a word, -1 elsewhere (no target)
};

struct EncodedWordDataset {
  std::vector<EncodedWords> examples;
  int64_t truncated = 0;  // examples that lost tokens to max_length
};

EncodedWordDataset encode_words(const Dataset& dataset, const Tokenizer& tokenizer, int64_t max_length,
                                const CancelToken& cancel);

// Tags of the words of one example from the tags of its tokens (first token of a word decides); -1 for words that were
// cut off.
std::vector<int32_t> word_tags(const EncodedWords& encoded, const std::vector<int32_t>& token_tags, size_t num_words);

// --- Language modelling ---------------------------------------------------------------------------------------------

// All text of a split as one run of tokens, without special ones; `words` and `code_points` of the text allow
// perplexity to be given a word or a character, whatever the tokenizer.
struct TokenStream {
  std::vector<TokenId> ids;
  int64_t words = 0;        // stretches between blanks, plus one end of line a line
  int64_t code_points = 0;  // line ends counted
};

// Lines are joined by "\n" and encoded in long pieces that begin where a line does, so that tokens which take in line
// ends come out as in the whole text.
TokenStream token_stream(const Dataset& dataset, const Tokenizer& tokenizer, const CancelToken& cancel);

// Consecutive blocks of `length` tokens as encodings of their own, in order; the last may be shorter, but not below 2.
// With `stride` below the length each block begins that many tokens behind the one before it (0: the length).
std::vector<Encoding> token_blocks(const TokenStream& stream, int64_t length, int64_t stride = 0);

// --- Translation ----------------------------------------------------------------------------------------------------

struct EncodedTranslation {
  Encoding source;
  Encoding target;
};

struct EncodedTranslationDataset {
  std::vector<EncodedTranslation> examples;
  int64_t truncated = 0;  // examples whose source or target lost tokens
};

// Each side with its tokenizer's special tokens, cut at its own length (0: no limit).
EncodedTranslationDataset encode_translation(const Dataset& dataset, const Tokenizer& source_tokenizer,
                                             const Tokenizer& target_tokenizer, int64_t max_source_length,
                                             int64_t max_target_length, const CancelToken& cancel);

}  // namespace espalier
