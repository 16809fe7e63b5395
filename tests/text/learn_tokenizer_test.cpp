#include "text/learn_tokenizer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "base/rng.h"

namespace espalier {
namespace {

using Merges = std::vector<std::pair<std::string, std::string>>;

LearnTokenizerOptions bpe(int64_t size, int64_t min_count = 1) {
  LearnTokenizerOptions options;
  options.size = size;
  options.min_count = min_count;
  return options;
}

std::string learnt(const LearnTokenizerOptions& options, const std::vector<std::string>& texts) {
  TokenizerLearner learner(options);
  for (const std::string& text : texts) learner.add(text);
  return *learner.learn({}).at(0).bytes;
}

std::shared_ptr<const Tokenizer> tokenizer_of(const std::string& json) {
  return load_tokenizer({{"tokenizer.json", std::make_shared<const std::string>(json)}}, "test");
}

Merges merges_of(const std::string& json) {
  Merges merges;
  const Json parsed = Json::parse(json);
  for (const Json& merge : parsed.at("model").at("merges")) merges.emplace_back(merge[0], merge[1]);
  return merges;
}

// The words of the example in Sennrich 2016, section 3.2, each behind a blank.
std::vector<std::string> sennrich() {
  std::vector<std::string> texts;
  texts.insert(texts.end(), 5, "low");
  texts.insert(texts.end(), 2, "lower");
  texts.insert(texts.end(), 6, "newest");
  texts.insert(texts.end(), 3, "widest");
  return texts;
}

TEST(LearnTokenizer, FindsTheMergesOfSennrich) {
  const Merges merges = merges_of(learnt(bpe(5 + 256 + 5), sennrich()));
  const Merges wanted = {{"e", "s"}, {"es", "t"}, {"l", "o"}, {"lo", "w"}, {"\u0120", "low"}};
  EXPECT_EQ(merges, wanted);
}

TEST(LearnTokenizer, StopsAtTheLeastCount) {
  const Merges merges = merges_of(learnt(bpe(1000, 7), sennrich()));
  EXPECT_EQ(merges.size(), 5U);
}

// Byte pair encoding as it is defined: count all pairs anew before every merge.
Merges merges_by_recounting(const std::vector<std::pair<std::vector<std::string>, int64_t>>& given, size_t wanted) {
  auto words = given;
  Merges merges;
  while (merges.size() < wanted) {
    std::map<std::pair<std::string, std::string>, int64_t> counts;
    for (const auto& [symbols, count] : words) {
      for (size_t i = 0; i + 1 < symbols.size(); ++i) counts[{symbols[i], symbols[i + 1]}] += count;
    }
    if (counts.empty()) break;
    const auto best = std::ranges::max_element(counts, {}, [](const auto& entry) { return entry.second; });
    const auto pair = best->first;
    merges.push_back(pair);
    for (auto& [symbols, count] : words) {
      for (size_t i = 0; i + 1 < symbols.size(); ++i) {
        if (symbols[i] != pair.first || symbols[i + 1] != pair.second) continue;
        symbols[i] += symbols[i + 1];
        symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      }
    }
  }
  return merges;
}

TEST(LearnTokenizer, CountsAsARecountWould) {
  Rng rng(5);
  std::map<std::string, int64_t> counts;
  std::vector<std::string> texts;
  for (int i = 0; i < 400; ++i) {
    std::string word;
    const auto length = 1 + rng.below(7);
    for (uint64_t k = 0; k < length; ++k) word += static_cast<char>('a' + rng.below(3));
    texts.push_back(word);
    ++counts[word];
  }
  std::vector<std::pair<std::vector<std::string>, int64_t>> words;
  for (const auto& [word, count] : counts) {
    std::vector<std::string> symbols = {"\u0120"};
    for (const char letter : word) symbols.emplace_back(1, letter);
    words.emplace_back(symbols, count);
  }
  EXPECT_EQ(merges_of(learnt(bpe(5 + 256 + 60), texts)), merges_by_recounting(words, 60));
}

TEST(LearnTokenizer, OrderOfTheTextsDoesNotMatter) {
  std::vector<std::string> texts = sennrich();
  const std::string before = learnt(bpe(300), texts);
  std::ranges::reverse(texts);
  EXPECT_EQ(before, learnt(bpe(300), texts));
}

TEST(LearnTokenizer, WritesAnyTextWithBytes) {
  const auto tokenizer = tokenizer_of(learnt(bpe(290), sennrich()));
  const std::string text = "lowest \u00e4\u4e16 \U0001F600 of them";
  EXPECT_EQ(tokenizer->decode(tokenizer->encode(text).ids), " " + text);
  EXPECT_LE(tokenizer->vocab_size(), 290);
}

TEST(LearnTokenizer, PutsSpecialTokensAroundTexts) {
  const auto tokenizer = tokenizer_of(learnt(bpe(300), sennrich()));
  const Encoding pair = tokenizer->encode_pair("low", "lower");
  EXPECT_EQ(pair.ids.front(), tokenizer->id("<s>"));
  EXPECT_EQ(pair.ids.back(), tokenizer->id("</s>"));
  EXPECT_EQ(std::ranges::count(pair.ids, tokenizer->id("</s>")), 2);
  EXPECT_EQ(pair.type_ids.front(), 0);
  EXPECT_EQ(pair.type_ids.back(), 1);
  EXPECT_EQ(tokenizer->pad_id(), 0);
  LearnTokenizerOptions no_begin = bpe(300);
  no_begin.begin_token = false;
  const Encoding one = tokenizer_of(learnt(no_begin, sennrich()))->encode("low");
  EXPECT_EQ(one.ids.size(), 2U);
  EXPECT_EQ(one.ids.back(), 2);
}

TEST(LearnTokenizer, WordsAreTheMostFrequentOnes) {
  LearnTokenizerOptions options;
  options.kind = VocabularyKind::Words;
  options.size = 5 + 3;
  options.min_count = 2;
  options.lower_case = true;
  const auto tokenizer = tokenizer_of(learnt(options, {"The cat, the dog", "a dog; the cat", "a bird a a"}));
  // a 4, the 3, then cat and dog with 2 each of which "cat" is the smaller; bird once.
  EXPECT_EQ(tokenizer->vocab_size(), 8);
  EXPECT_EQ(tokenizer->token(5), "a");
  EXPECT_EQ(tokenizer->token(6), "the");
  EXPECT_EQ(tokenizer->token(7), "cat");
  const std::vector<TokenId> wanted = {1, 6, 3, 7, 3, 2};
  EXPECT_EQ(tokenizer->encode("THE bird cat!").ids, wanted);
}

TEST(LearnTokenizer, RefusesWhatCannotWork) {
  EXPECT_THROW(TokenizerLearner{bpe(5 + 256)}, Error);
  EXPECT_THROW(TokenizerLearner{bpe(-1)}, Error);
  EXPECT_THROW(learnt(bpe(400), {"", ""}), Error);
  EXPECT_THROW(vocabulary_kind_from("unigram"), Error);
}

}  // namespace
}  // namespace espalier
