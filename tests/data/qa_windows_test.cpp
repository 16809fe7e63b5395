#include "data/qa_windows.h"

#include <set>

#include "tests/data/data_folder.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

namespace espalier {
namespace {

std::shared_ptr<const Tokenizer> letters() {
  std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n";
  for (char c = 'a'; c <= 'z'; ++c) vocabulary += std::string(1, c) + "\n" + "##" + c + "\n";
  return load_tokenizer({{"vocab.txt", std::make_shared<const std::string>(vocabulary)}}, "test");
}

// A context of `words` one-letter words and a question of two.
Dataset one_question(int64_t words, const std::string& answer, int32_t begin) {
  Dataset dataset;
  Example example;
  example.text = " q q";
  example.has_pair = true;
  for (int64_t i = 0; i < words; ++i) {
    if (i > 0) example.pair += ' ';
    example.pair += static_cast<char>('a' + i % 26);
  }
  if (!answer.empty()) example.answers.push_back({answer, begin});
  dataset.examples.push_back(example);
  return dataset;
}

std::string at_offsets(const std::string& text, std::pair<int32_t, int32_t> first, std::pair<int32_t, int32_t> last) {
  return text.substr(static_cast<size_t>(first.first), static_cast<size_t>(last.second - first.first));
}

TEST(QaWindows, CoverTheContextAndPointAtTheAnswer) {
  // 20 words; windows of 3 special tokens, 2 of the question and 7 of the context, 4 apart: 0-7, 4-11, 8-15, 12-19,
  // 16-20.
  const Dataset dataset = one_question(20, "i j", 16);
  const auto tokenizer = letters();
  const auto windows = make_qa_windows(dataset, *tokenizer, {.max_length = 12, .stride = 4}, {});
  ASSERT_EQ(windows.size(), 5u);
  std::set<int32_t> covered;
  int best = 0, holding = 0;
  const std::string& context = dataset.examples[0].pair;
  for (const QaWindow& window : windows) {
    EXPECT_LE(window.encoding.size(), 12u);
    EXPECT_EQ(window.encoding.ids.front(), tokenizer->id("[CLS]"));
    EXPECT_EQ(window.encoding.ids.back(), tokenizer->id("[SEP]"));
    EXPECT_EQ(window.encoding.ids.size(), window.encoding.offsets.size());
    EXPECT_EQ(window.context_begin, 4);
    for (int32_t i = window.context_begin; i < window.context_end; ++i) {
      const auto token = static_cast<size_t>(i);
      EXPECT_EQ(window.encoding.type_ids[token], 1);
      EXPECT_EQ(tokenizer->token(window.encoding.ids[token]),
                at_offsets(context, window.encoding.offsets[token], window.encoding.offsets[token]));
      covered.insert(window.encoding.offsets[token].first);
      best += window.is_best[static_cast<size_t>(i - window.context_begin)] ? 1 : 0;
    }
    if (!window.has_answer) {
      EXPECT_EQ(window.start + window.end, 0);
      continue;
    }
    ++holding;
    EXPECT_EQ(at_offsets(context, window.encoding.offsets[static_cast<size_t>(window.start)],
                         window.encoding.offsets[static_cast<size_t>(window.end)]),
              "i j");
  }
  EXPECT_EQ(covered.size(), 20u);
  EXPECT_EQ(best, 20) << "every token is shown best by exactly one window";
  EXPECT_EQ(holding, 2);  // 4-11 and 8-15
}

TEST(QaWindows, AreWhatThePairIsWhenAllFits) {
  Dataset dataset = one_question(5, "", 0);
  dataset.examples[0].text = "q q";
  const auto tokenizer = letters();
  const auto windows = make_qa_windows(dataset, *tokenizer, {}, {});
  ASSERT_EQ(windows.size(), 1u);
  const Encoding pair = tokenizer->encode_pair(dataset.examples[0].text, dataset.examples[0].pair);
  EXPECT_EQ(windows[0].encoding.ids, pair.ids);
  EXPECT_EQ(windows[0].encoding.type_ids, pair.type_ids);
  EXPECT_EQ(windows[0].encoding.offsets, pair.offsets);
  EXPECT_EQ(windows[0].encoding.special, pair.special);
}

TEST(QaWindows, LongQuestionsAreCutAndNoRoomIsRefused) {
  Dataset dataset = one_question(3, "", 0);
  dataset.examples[0].text = "q q q q q q";
  const auto tokenizer = letters();
  EXPECT_EQ(make_qa_windows(dataset, *tokenizer, {.max_query = 2}, {})[0].context_begin, 4);
  for (const QaWindowOptions& options :
       {QaWindowOptions{.max_length = 9}, QaWindowOptions{.stride = 0}, QaWindowOptions{.max_query = 0}}) {
    EXPECT_EQ(test::expect_error([&] { make_qa_windows(dataset, *tokenizer, options, {}); }).kind(),
              ErrorKind::InvalidInput);
  }
  EXPECT_NO_THROW(make_qa_windows(dataset, *tokenizer, {.max_length = 10, .stride = 5}, {}));
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(make_qa_windows(dataset, *tokenizer, {}, cancel), Cancelled);
}

QaLogits flat(const QaWindow& window) {
  return {std::vector<float>(window.encoding.size(), -10), std::vector<float>(window.encoding.size(), -10)};
}

TEST(QaPredictions, FindTheGoldAnswerFromItsOwnPositions) {
  const Dataset dataset = one_question(20, "i j", 16);
  const auto windows = make_qa_windows(dataset, *letters(), {.max_length = 12, .stride = 4}, {});
  std::vector<QaLogits> logits;
  for (const QaWindow& window : windows) {
    logits.push_back(flat(window));
    if (!window.has_answer) continue;
    logits.back().start[static_cast<size_t>(window.start)] = 5;
    logits.back().end[static_cast<size_t>(window.end)] = 4;
  }
  const QaPrediction prediction = qa_predictions(dataset, windows, logits)[0];
  EXPECT_EQ(prediction.answer, "i j");
  EXPECT_DOUBLE_EQ(prediction.candidates[0].score, 9);
  EXPECT_EQ(prediction.candidates[0].begin, 16);
  EXPECT_DOUBLE_EQ(prediction.null_score, -20 - 9);
  EXPECT_LE(prediction.candidates.size(), 20u);
  double total = 0;
  for (const QaCandidate& candidate : prediction.candidates) total += candidate.probability;
  EXPECT_NEAR(total, 1, 1e-12);
}

TEST(QaPredictions, KeepTheRulesOfSpans) {
  const Dataset dataset = one_question(8, "", 0);
  const auto windows = make_qa_windows(dataset, *letters(), {}, {});
  std::vector<QaLogits> logits = {flat(windows[0])};
  const auto at = [&](int32_t word) { return static_cast<size_t>(windows[0].context_begin + word); };
  logits[0].start[at(4)] = 10;  // "e"
  logits[0].end[at(1)] = 10;    // "b": before the start, no span
  logits[0].end[at(7)] = 8;     // "h": a span of four words
  EXPECT_EQ(qa_predictions(dataset, windows, logits)[0].answer, "e f g h");
  // Too long: next best ends at once, or begins later.
  EXPECT_NE(qa_predictions(dataset, windows, logits, {.max_answer_tokens = 3})[0].answer, "e f g h");
  // The question and special tokens are no answers, however high they score.
  logits[0].start[0] = logits[0].start[1] = 100;
  logits[0].end[0] = logits[0].end[2] = 100;
  EXPECT_EQ(qa_predictions(dataset, windows, logits)[0].answer, "e f g h");
  // They are the empty answer, where there may be one.
  const QaPrediction none = qa_predictions(dataset, windows, logits, {.may_be_impossible = true})[0];
  EXPECT_EQ(none.answer, "");
  EXPECT_DOUBLE_EQ(none.null_score, 200 - 18);
  EXPECT_EQ(qa_predictions(dataset, windows, logits, {.may_be_impossible = true, .null_threshold = 182})[0].answer,
            "e f g h");
  EXPECT_EQ(qa_predictions(dataset, windows, logits, {.n_best = 1})[0].candidates.size(), 0u);
}

TEST(QaPredictions, TheEmptyAnswerIsTheLeastOfAllWindows) {
  const Dataset dataset = one_question(20, "", 0);
  const auto windows = make_qa_windows(dataset, *letters(), {.max_length = 12, .stride = 7}, {});
  std::vector<QaLogits> logits;
  for (const QaWindow& window : windows) logits.push_back(flat(window));
  for (size_t i = 0; i < logits.size(); ++i) logits[i].start[0] = static_cast<float>(3 * i);
  EXPECT_DOUBLE_EQ(qa_predictions(dataset, windows, logits)[0].null_score, -10 + 20);
  logits.pop_back();
  EXPECT_EQ(test::expect_error([&] { qa_predictions(dataset, windows, logits); }).kind(), ErrorKind::InvalidInput);
}

}  // namespace
}  // namespace espalier
