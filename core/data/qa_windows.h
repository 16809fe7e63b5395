#pragma once
// Questions on contexts that are longer than a model reads: the context is cut into overlapping windows, each read with
// the question (methods: squad; Devlin et al. 2019, arXiv 1810.04805, released code).

#include <cstdint>
#include <vector>

#include "base/cancel.h"
#include "data/task.h"

namespace espalier {

struct QaWindowOptions {
  int64_t max_length = 384;  // tokens of a window, special ones counted
  int64_t stride = 128;      // tokens of the context by which a window begins behind the one before it
  int64_t max_query = 64;    // tokens of the question; what is longer is cut
};

// One input of the model: question and a part of the context, with special tokens as the tokenizer places them.
struct QaWindow {
  int32_t example = 0;        // index into Dataset::examples
  Encoding encoding;          // offsets of context tokens count code points of the whole context
  int32_t context_begin = 0;  // tokens [begin, end) of `encoding` are the context's
  int32_t context_end = 0;
  std::vector<bool> is_best;   // for each context token: no other window shows more of the context around it
  int32_t start = 0, end = 0;  // first and last token of the first gold answer; both 0 when it is not in this window
  bool has_answer = false;
};

// Windows of every example in order. InvalidInput when max_length leaves no room for a token of the context, or a
// number is not positive.
std::vector<QaWindow> make_qa_windows(const Dataset& dataset, const Tokenizer& tokenizer,
                                      const QaWindowOptions& options, const CancelToken& cancel);

// Scores that a model gives the tokens of one window: how likely an answer starts or ends there. As long as the
// encoding.
struct QaLogits {
  std::vector<float> start, end;
};

struct QaAnswerOptions {
  int64_t n_best = 20;             // starts and ends of each window that are tried, and candidates that are kept
  int64_t max_answer_tokens = 30;  // longer spans are no answers
  bool may_be_impossible = false;  // SQuAD 2.0: an empty answer where its score wins by more than the threshold
  double null_threshold = 0;
};

struct QaCandidate {
  std::string text;            // as it stands in the context
  int32_t begin = 0, end = 0;  // code points of the context
  double score = 0;            // start logit + end logit
  double probability = 0;      // softmax over the candidates kept, the empty one among them where it is allowed
};

struct QaPrediction {
  std::string answer;                   // empty: there is none
  double null_score = 0;                // score of the empty answer minus that of the best span
  std::vector<QaCandidate> candidates;  // spans, best first
};

// The answer to every example of the dataset from the scores of its windows; `logits` has one entry a window. A span
// starts at a token that its window shows best. InvalidInput when sizes do not fit.
std::vector<QaPrediction> qa_predictions(const Dataset& dataset, const std::vector<QaWindow>& windows,
                                         const std::vector<QaLogits>& logits, const QaAnswerOptions& options = {});

}  // namespace espalier
