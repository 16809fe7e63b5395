#pragma once
// Which answers changed from one model to another, both ways, and where: slices by length, label, loss and word.

#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/tensor.h"
#include "measure/interval.h"

namespace espalier {

// What became of an example. Gained: wrong before, right now. Moved: wrong both times, but not the same.
enum class FlipKind { SameRight, SameWrong, Lost, Gained, Moved };
std::string_view to_string(FlipKind kind);  // "same_right", "same_wrong", "lost", "gained", "moved"

struct FlipRow {
  FlipKind kind = FlipKind::SameRight;
  int32_t gold = 0, before = 0, after = 0;               // labels
  double before_probability = 0, after_probability = 0;  // of each model's own answer
  double before_gold_probability = 0, after_gold_probability = 0;
  double before_loss = 0, after_loss = 0;  // -log p(gold), nats
};

// Accuracy of both models on some of the examples.
struct FlipCounts {
  int64_t examples = 0, lost = 0, gained = 0, moved = 0;
  Interval before, after;  // Wilson
  double mcnemar_p = 1;
};

// [gold][answer] or [before][after].
using Confusion = std::vector<std::vector<int64_t>>;

struct Flips {
  std::vector<FlipRow> rows;  // one an example, in order
  FlipCounts all;
  Confusion before, after, between;
};
// Logits (N, C) of both models and the gold labels. Throws InvalidInput when shapes differ or a label is out of range.
Flips find_flips(const Tensor& before, const Tensor& after, const std::vector<int32_t>& labels);

struct FlipSlice {
  std::string by;    // "length", "label", "loss", "word"
  std::string name;  // "9-16 tokens"
  std::vector<uint32_t> examples;
  FlipCounts counts;
};

struct SliceInput {
  std::vector<int64_t> lengths;          // tokens of each example
  std::vector<std::string> label_names;  // by label
  std::vector<std::string> texts;        // of each example, a pair joined by a blank
  int64_t least_examples = 10;           // of a word's slice
  int64_t most_words = 20;
};
struct FlipSlices {
  std::vector<FlipSlice> slices;
  // Words that occur in enough examples, of which the slices hold those with the smallest p. So many tests were made:
  // multiply by it for a bound on chance (Bonferroni).
  int64_t words_tested = 0;
};
// Lengths by powers of two; labels by the gold one; loss by quarters of the first model's; words in lower case, each
// example once. Empty slices are left out.
FlipSlices slice_flips(const Flips& flips, const SliceInput& input, const CancelToken& cancel = {});

}  // namespace espalier
