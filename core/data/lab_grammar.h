#pragma once
// Sentences of the lab: clauses with a known score, put together by rules with a known meaning.
//
// The meaning of a review is the sum over its opinions of polarity x strength x intensity (weak 0.5, strong 1.5,
// extreme 2), its label the sign of the sum. An opinion turns around with every negator over it and then has no
// intensity. In a contrast only the main side counts: what follows "but", "yet", "however"; what stands outside
// "although", "even though", "despite". Words in quotes and opinions of others do not count.

#include <cstdint>
#include <string>
#include <vector>

#include "base/rng.h"
#include "data/lab_words.h"

namespace espalier::lab {

enum class MarkKind { Opinion, Negator, Intensifier, Contrast };

// A word with a meaning at bytes [begin, end) of a clause; the lab writes ASCII only, so bytes are code points.
struct Mark {
  int32_t begin = 0;
  int32_t end = 0;
  MarkKind kind = MarkKind::Opinion;
};

struct Clause {
  std::string text;
  std::vector<Mark> marks;  // of what counts
  double score = 0;

  Clause& say(const std::string& words);                // appends with a blank between
  Clause& say(const std::string& word, MarkKind kind);  // the same, marked
  Clause& say(const Clause& clause);                    // with its marks; the score stays
  Clause& join(const std::string& mark);                // appends without a blank: "," or ";"
};

// How often each difficulty occurs.
struct Mixture {
  double negation = 0.13;         // of opinions
  double long_scope = 0.25;       // of negations: the negator stands in a clause around
  double double_negation = 0.08;  // of negations
  double contrast = 0.13;         // of opinions, a weaker side beside them
  double concession = 0.4;        // of contrasts: the side that does not count comes with although or despite
  double second_opinion = 0.3;    // of reviews
  double mixed = 0.2;             // of second opinions: of the other polarity, outweighed
  double rare_word = 0.05;        // of opinion words
  double other = 0.15;            // of distractors: the opinion of another
  double agreeing_other = 0.75;   // of others' opinions: same polarity as the label
  int64_t min_distractors = 0;
  int64_t max_distractors = 2;
};

// One review: sentences in their order, joined by blanks. Marks say what decides the label.
Clause make_review(Rng& rng, const Mixture& mixture, int polarity);

}  // namespace espalier::lab
