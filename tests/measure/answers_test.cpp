#include "measure/answers.h"
#include "base/json.h"

#include "measure/multirc.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

TEST(NormalizeAnswer, LowerCasePunctuationArticlesBlanks) {
  EXPECT_EQ(normalize_answer("  The Cat,  sat on a mat! "), "cat sat on mat");
  EXPECT_EQ(normalize_answer("An apple"), "apple");
  EXPECT_EQ(normalize_answer("theatre"), "theatre");
  EXPECT_EQ(normalize_answer("U.S.A."), "usa");
  // Punctuation goes first, so its neighbours join before articles are looked for.
  EXPECT_EQ(normalize_answer("the-end"), "theend");
  EXPECT_EQ(normalize_answer("The"), "");
  EXPECT_EQ(normalize_answer("ÉCOLE"), "école");
}

TEST(AnswerScore, OfKnownTriples) {
  EXPECT_EQ(score_answer("The cat", "cat.").exact, 1);
  // 2 common words of 3 and 4: precision 2/3, recall 1/2.
  EXPECT_NEAR(score_answer("red big dog", "big dog house blue").f1, 4.0 / 7, 1e-12);
  EXPECT_EQ(score_answer("red big dog", "big dog house blue").exact, 0);
  // A word counts as often as the other side has it.
  EXPECT_NEAR(score_answer("x x x", "x y").f1, 2.0 / 5, 1e-12);
  EXPECT_EQ(score_answer("x", "y").f1, 0);
  EXPECT_EQ(score_answer("", "").f1, 1);
  EXPECT_EQ(score_answer("the", "").exact, 1);
}

TEST(AnswerScore, TheBestGoldCountsForEachFigure) {
  const std::vector<std::string> gold = {"New York City", "Big Apple"};
  const AnswerScore score = best_score("New York", gold);
  EXPECT_EQ(score.exact, 0);
  EXPECT_NEAR(score.f1, 0.8, 1e-12);
  // Dropping a gold answer can never raise a score.
  for (const std::string prediction : {"New York", "Big Apple pie", "the big apple", "", "zoo"}) {
    for (const std::string& one : gold) {
      EXPECT_LE(best_score(prediction, {one}).f1, best_score(prediction, gold).f1) << prediction;
      EXPECT_LE(best_score(prediction, {one}).exact, best_score(prediction, gold).exact) << prediction;
    }
  }
}

TEST(AnswerScore, WithoutGoldOnlyNoAnswerIsRight) {
  EXPECT_EQ(best_score("", {}).f1, 1);
  EXPECT_EQ(best_score("something", {}).f1, 0);
  // A gold that normalizes to nothing is none.
  EXPECT_EQ(best_score("", {"the"}).exact, 1);
  EXPECT_EQ(best_score("something", {"the"}).exact, 0);
}

const std::vector<QuestionGold>& gold_questions() {
  static const std::vector<QuestionGold> gold = {{"a", {"blue sky"}}, {"b", {"rain"}}, {"c", {}}, {"d", {}}};
  return gold;
}

TEST(Squad, SplitsByWhetherThereIsAnAnswer) {
  const SquadQuality quality = squad_quality(
      gold_questions(), {{"a", {"blue", 0.1}}, {"b", {"rain", 0.2}}, {"c", {"", 0.9}}, {"d", {"wind", 0.6}}});
  EXPECT_DOUBLE_EQ(quality.exact.value, 0.5);
  EXPECT_DOUBLE_EQ(quality.f1.value, (2.0 / 3 + 1 + 1 + 0) / 4);
  EXPECT_EQ(quality.has_answer_count, 2);
  EXPECT_EQ(quality.no_answer_count, 2);
  EXPECT_DOUBLE_EQ(quality.has_answer_exact, 0.5);
  EXPECT_DOUBLE_EQ(quality.has_answer_f1, (2.0 / 3 + 1) / 2);
  EXPECT_DOUBLE_EQ(quality.no_answer_exact, 0.5);
  EXPECT_DOUBLE_EQ(to_json(quality).at("exact_percent").get<double>(), 50);
}

TEST(Squad, TheSweepFindsTheBestThreshold) {
  // All answered: 1 of 4 exact. Abstaining above 0.2: b, c, d are right.
  const SquadQuality quality = squad_quality(
      gold_questions(), {{"a", {"sea", 0.1}}, {"b", {"rain", 0.2}}, {"c", {"x", 0.9}}, {"d", {"wind", 0.6}}});
  EXPECT_DOUBLE_EQ(quality.exact.value, 0.25);
  EXPECT_DOUBLE_EQ(quality.best_exact, 0.75);
  EXPECT_DOUBLE_EQ(quality.best_exact_threshold, 0.2);
}

TEST(Squad, TheSweepCannotSplitEqualScores) {
  // One score for all: either everything is answered (1 right) or nothing (2 right).
  const SquadQuality quality = squad_quality(
      gold_questions(), {{"a", {"sea", 0.5}}, {"b", {"rain", 0.5}}, {"c", {"x", 0.5}}, {"d", {"wind", 0.5}}});
  EXPECT_DOUBLE_EQ(quality.best_exact, 0.5);
  EXPECT_LT(quality.best_exact_threshold, 0.5);
}

TEST(Squad, QuestionsAndPredictionsMustMatch) {
  const Error missing = expect_error([] { squad_quality({{"q1", {"x"}}}, {}); });
  EXPECT_NE(std::string(missing.what()).find("q1"), std::string::npos);
  const Error extra = expect_error([] { squad_quality({{"q1", {"x"}}}, {{"q1", {}}, {"q9", {}}}); });
  EXPECT_NE(std::string(extra.what()).find("q9"), std::string::npos);
}

TEST(MultiRc, PooledF1IsNotTheMeanOverQuestions) {
  // Question 1: one of one right option found. Question 2: one of three found, one false alarm.
  const std::vector<MultiRcQuestion> questions = {{{true, false}, {true, false}},
                                                  {{true, true, true, false}, {true, false, false, true}}};
  const MultiRcQuality quality = multirc_quality(questions);
  EXPECT_NEAR(quality.f1a.value, 2 * 2.0 / (4 + 3), 1e-12);
  EXPECT_GT(std::abs(quality.f1a.value - (1 + 2 * 1.0 / (3 + 2)) / 2), 0.1);  // per question: 0.7
  EXPECT_DOUBLE_EQ(quality.exact.value, 0.5);
}

}  // namespace
}  // namespace espalier::test
