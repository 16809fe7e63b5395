#pragma once
// A vocabulary learnt from text, as a tokenizer.json: what a model that is trained from nothing reads with.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/json_fwd.h"
#include "text/normalizer.h"
#include "text/pre_tokenizer.h"
#include "text/tokenizer.h"

namespace espalier {

// Bpe: byte pair encoding on bytes (Sennrich 2016, arXiv 1508.07909; Radford 2019), which can write any text.
// Words: whole words and punctuation marks, split as BERT does; what is not among them is <unk>.
enum class VocabularyKind { Bpe, Words };
// "bpe", "words"; InvalidInput naming both for another.
VocabularyKind vocabulary_kind_from(std::string_view name);

struct LearnTokenizerOptions {
  VocabularyKind kind = VocabularyKind::Bpe;
  int64_t size = 8000;    // tokens at the most, special ones and the 256 bytes counted
  int64_t min_count = 2;  // a word, or a pair of neighbours, that occurs less often is not learnt
  bool lower_case = false;
  // <s> before a text; </s> stands behind it in any case, and between and behind the texts of a pair.
  bool begin_token = true;
  // Bpe: the first word of a text is read as one behind a blank. Off for running text, which is cut anywhere.
  bool prefix_space = true;
};

// Counts the words of texts, then makes the vocabulary; the same texts in any order give the same bytes. Ids 0 to 4 are
// <pad>, <s>, </s>, <unk> and <mask>.
class TokenizerLearner {
 public:
  // InvalidInput when the size has no room for a single learnt token.
  explicit TokenizerLearner(const LearnTokenizerOptions& options);

  void add(std::string_view text);
  // A tokenizer.json. Ties between words, and between pairs, go to the one that is smaller as a string of bytes.
  // InvalidInput when no text was added.
  std::vector<TokenizerFile> learn(const CancelToken& cancel) const;

 private:
  Json description() const;

  LearnTokenizerOptions options_;
  NormalizerPtr normalizer_;
  PreTokenizerPtr pre_tokenizer_;
  std::map<std::string, int64_t, std::less<>> counts_;  // by word, as the pre-tokenizer writes it
};

}  // namespace espalier
