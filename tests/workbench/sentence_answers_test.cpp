// What the answers about a sentence are read as.
#include "app/workbench/pages/sentence_answers.h"
#include "base/json.h"

#include <gtest/gtest.h>

namespace espalier {
namespace {

TEST(AttentionRollout, FollowsTheMeanOfTheHeads) {
  AttentionData attention;
  attention.tokens = {"a", "b"};
  attention.special = {false, false};
  // Two heads whose mean looks 1/4 and 3/4; then one that swaps.
  attention.layers = {Tensor::from<float>({2, 2, 2}, {0.5, 0.5, 0, 1, 0, 1, 0.5, 0.5}),
                      Tensor::from<float>({1, 2, 2}, {0, 1, 1, 0})};
  // (A + I) / 2 of both, the upper times the lower, first row.
  const std::vector<double> rollout = attentionRollout(attention);
  const double a[2][2] = {{0.625, 0.375}, {0.125, 0.875}}, b[2][2] = {{0.5, 0.5}, {0.5, 0.5}};
  EXPECT_NEAR(rollout[0], b[0][0] * a[0][0] + b[0][1] * a[1][0], 1e-12);
  EXPECT_NEAR(rollout[1], b[0][0] * a[0][1] + b[0][1] * a[1][1], 1e-12);
}

TEST(ReadSaliency, JoinsThePiecesThatTheTextJoins) {
  Sentence sentence;
  sentence.text = QStringLiteral("unseen, 好看");
  const Json answer = {{"tokens", {"<s>", "un", "seen", ",", "\u0120\u597d", "\u770b", "</s>"}},
                       {"offsets", {nullptr, {0, 2}, {2, 6}, {6, 7}, {8, 9}, {9, 10}, nullptr}},
                       {"scores", {0, 1, 2, 3, 4, 5, 0}},
                       {"explained_label", 0}};
  const SaliencyAnswer saliency = readSaliency(answer, sentence);
  EXPECT_FALSE(saliency.tokens[1].continuesWord);
  EXPECT_TRUE(saliency.tokens[2].continuesWord);
  EXPECT_FALSE(saliency.tokens[3].continuesWord) << "a comma stands alone";
  EXPECT_EQ(saliency.tokens[4].shown, QStringLiteral("好")) << "not as the tokenizer writes it";
  EXPECT_FALSE(saliency.tokens[5].continuesWord) << "Han characters stand alone";
  EXPECT_TRUE(saliency.tokens[6].special);
}

}  // namespace
}  // namespace espalier
