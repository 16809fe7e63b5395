#include "data/sequences.h"

#include "tests/data/data_folder.h"
#include "text/tokenizer.h"

namespace espalier {
namespace {

std::shared_ptr<const Tokenizer> pieces() {
  const std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nplay\n##ing\ncat\n.\nthe\n";
  return load_tokenizer({{"vocab.txt", std::make_shared<const std::string>(vocabulary)}}, "test");
}

Dataset of_words(const std::vector<std::string>& words, const std::vector<int32_t>& tags) {
  Dataset dataset;
  dataset.examples.resize(1);
  dataset.examples[0].words = words;
  dataset.examples[0].tags = tags;
  return dataset;
}

TEST(EncodeWords, FirstTokensCarryTheTags) {
  const Dataset dataset = of_words({"the", "playing", "cat", "."}, {3, 1, 2, 0});
  const EncodedWordDataset encoded = encode_words(dataset, *pieces(), 0, {});
  EXPECT_EQ(encoded.examples[0].words, (std::vector<int32_t>{-1, 0, 1, 1, 2, 3, -1}));
  EXPECT_EQ(encoded.examples[0].labels, (std::vector<int32_t>{-1, 3, 1, -1, 2, 0, -1}));
  EXPECT_EQ(encoded.truncated, 0);
  EXPECT_EQ(word_tags(encoded.examples[0], {9, 3, 1, 7, 2, 0, 9}, 4), (std::vector<int32_t>{3, 1, 2, 0}));
}

TEST(EncodeWords, WordsThatAreCutOffHaveNoTag) {
  const Dataset dataset = of_words({"the", "playing", "cat"}, {0, 1, 2});
  const EncodedWordDataset encoded = encode_words(dataset, *pieces(), 5, {});
  EXPECT_EQ(encoded.truncated, 1);
  EXPECT_EQ(encoded.examples[0].words, (std::vector<int32_t>{-1, 0, 1, 1, -1}));
  EXPECT_EQ(word_tags(encoded.examples[0], {8, 0, 1, 1, 8}, 3), (std::vector<int32_t>{0, 1, -1}));
  EXPECT_EQ(encode_words(of_words({}, {}), *pieces(), 5, {}).examples[0].words, (std::vector<int32_t>{-1, -1}));
}

TEST(TokenStreams, HoldEveryTokenAndCountWords) {
  Dataset dataset;
  for (const char* line : {"the cat .", "", "playing"}) {
    Example example;
    example.text = line;
    dataset.examples.push_back(example);
  }
  const auto tokenizer = pieces();
  const TokenStream stream = token_stream(dataset, *tokenizer, {});
  const EncodeOptions bare{.add_special_tokens = false};
  EXPECT_EQ(stream.ids, tokenizer->encode("the cat .\n\nplaying\n", bare).ids);
  EXPECT_EQ(stream.words, 4 + 3);
  EXPECT_EQ(stream.code_points, 9 + 0 + 7 + 3);
}

TEST(TokenStreams, PiecesLoseNothing) {
  Dataset dataset;
  for (int i = 0; i < 9000; ++i) {
    Example example;
    example.text = i % 3 == 0 ? "" : "the playing cat .";
    dataset.examples.push_back(example);
  }
  EXPECT_EQ(token_stream(dataset, *pieces(), {}).ids.size(), 6000u * 5);
}

TEST(TokenBlocks, AreConsecutive) {
  TokenStream stream;
  for (int i = 0; i < 11; ++i) stream.ids.push_back(static_cast<TokenId>(i));
  const auto firsts = [&](int64_t length, int64_t stride) {
    std::vector<std::pair<TokenId, size_t>> all;
    for (const Encoding& block : token_blocks(stream, length, stride)) all.emplace_back(block.ids[0], block.size());
    return all;
  };
  using All = std::vector<std::pair<TokenId, size_t>>;
  EXPECT_EQ(firsts(4, 0), (All{{0, 4}, {4, 4}, {8, 3}}));
  EXPECT_EQ(firsts(5, 0), (All{{0, 5}, {5, 5}})) << "one token alone predicts nothing";
  EXPECT_EQ(firsts(6, 3), (All{{0, 6}, {3, 6}, {6, 5}}));
  EXPECT_EQ(firsts(20, 0), (All{{0, 11}}));
  for (const auto& [length, stride] : std::vector<std::pair<int64_t, int64_t>>{{1, 0}, {4, 5}, {4, -1}}) {
    EXPECT_EQ(test::expect_error([&] { token_blocks(stream, length, stride); }).kind(), ErrorKind::InvalidInput);
  }
}

TEST(EncodeTranslation, CutsEachSideAtItsOwnLength) {
  Dataset dataset;
  dataset.examples.resize(2);
  dataset.examples[0].text = "the cat";
  dataset.examples[0].pair = "cat";
  dataset.examples[1].text = "the cat the cat the cat";
  dataset.examples[1].pair = "the cat .";
  const EncodedTranslationDataset encoded = encode_translation(dataset, *pieces(), *pieces(), 5, 4, {});
  EXPECT_EQ(encoded.examples[0].source.size(), 4u);
  EXPECT_EQ(encoded.examples[0].target.size(), 3u);
  EXPECT_EQ(encoded.examples[1].source.size(), 5u);
  EXPECT_EQ(encoded.examples[1].target.size(), 4u);
  EXPECT_EQ(encoded.truncated, 1);
}

}  // namespace
}  // namespace espalier
