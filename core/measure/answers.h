#pragma once
// Answers that are spans of text: normalization, exact match, token F1 (Rajpurkar 2016, arXiv 1606.05250), SQuAD v1.1
// and v2.0 (Rajpurkar 2018, arXiv 1806.03822). Scores are in 0..1; benchmarks print them times 100.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "measure/interval.h"

namespace espalier {

// Lower case, without ASCII punctuation, without the words a, an, the, single blanks.
std::string normalize_answer(std::string_view text);

struct AnswerScore {
  double exact = 0;  // 0 or 1
  double f1 = 0;     // of token bags; where either side is empty, 1 if both are
};
AnswerScore score_answer(std::string_view prediction, std::string_view gold);
// The best over the gold answers, each figure for itself. No gold, or only golds that normalize to nothing: right is
// the empty prediction.
AnswerScore best_score(std::string_view prediction, const std::vector<std::string>& gold);

// One question with its gold answers; none: unanswerable.
struct QuestionGold {
  std::string id;
  std::vector<std::string> answers;
};
// What a system says: an answer (empty: none) and how sure it is that there is none.
struct QuestionPrediction {
  std::string answer;
  double no_answer_score = 0;
};

struct SquadQuality {
  Interval exact, f1;  // exact: Wilson, f1: bootstrap over questions
  // Of the questions with and without an answer; counts of 0 for v1.1.
  int64_t has_answer_count = 0, no_answer_count = 0;
  double has_answer_exact = 0, has_answer_f1 = 0;
  double no_answer_exact = 0;
  // The best that saying "no answer" above a threshold of the no-answer score can reach, and that threshold.
  double best_exact = 0, best_exact_threshold = 0;
  double best_f1 = 0, best_f1_threshold = 0;
  std::vector<double> exact_scores, f1_scores;  // a question, in the order of gold: for paired tests
};
// Answers as given: a prediction that abstains is an empty one. A question without a prediction is InvalidInput naming
// it; predictions of unknown questions are too.
SquadQuality squad_quality(const std::vector<QuestionGold>& gold,
                           const std::map<std::string, QuestionPrediction>& predictions);

// The members, times 100 for exact and f1 figures, without the lists.
Json to_json(const SquadQuality& quality);

}  // namespace espalier
