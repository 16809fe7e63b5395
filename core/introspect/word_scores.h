#pragma once
// From scores of tokens to scores of words, and how well they point at the words known to matter.

#include <optional>
#include <vector>

#include "data/task.h"
#include "text/encoding.h"

namespace espalier {

struct WordScore {
  double score = 0;    // sum over the word's tokens
  bool known = false;  // an evidence span of the example
};

// Every evidence span of the example is one word; what is left of the text is split at white space and punctuation
// (code points; punctuation of its own). `scores`: one a token of the example's text. Words without a token are left
// out.
std::vector<WordScore> score_words(const Example& example, const Encoding& encoding, const std::vector<double>& scores);

struct WordAgreement {
  double precision_at_k = 0;  // known among the k largest |score|, k = number of known words; ties share
  double chance = 0;          // k / words
  double auc = 0;             // P(|score| of a known word > of another), ties half
};

// Empty when no word is known or all are.
std::optional<WordAgreement> agreement_of(const std::vector<WordScore>& words);

}  // namespace espalier
