// Byte-level BPE, Unigram and SentencePiece models made by hand: known answers,
// and time that does not explode.

#include "tests/support/support.h"
#include "tests/text/small_tokenizers.h"
#include "text/tokenizer.h"

namespace espalier {
namespace {

using Ids = std::vector<TokenId>;
using Spans = std::vector<std::pair<int32_t, int32_t>>;
using Words = std::vector<std::string>;

constexpr EncodeOptions kPlain{.add_special_tokens = false};

Words words(const Tokenizer& tokenizer, std::string_view text) { return tokenizer.pieces(text); }

TEST(Bpe, MergesInTheOrderLearnt) {
  const auto tokenizer = load_tokenizer(test::bpe_files(), "test");
  // "l o" before "lo w", "e r" before "w er".
  EXPECT_EQ(words(*tokenizer, "lower slow"), (Words{"low", "er", "\u0120s", "low"}));
  EXPECT_EQ(tokenizer->encode("lower slow", kPlain).offsets, (Spans{{0, 3}, {3, 5}, {5, 7}, {7, 10}}));
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("lower slow").ids), "lower slow");
}

TEST(Bpe, BytesOfOneCharacterShareItsPlace) {
  const auto tokenizer = load_tokenizer(test::bpe_files(), "test");
  EXPECT_EQ(tokenizer->encode("a\u20acl", kPlain).offsets, (Spans{{0, 1}, {1, 2}, {1, 2}, {1, 2}, {2, 3}}));
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("a\u20ac\xFFl").ids), "a\u20ac\ufffdl");
}

TEST(Bpe, SpecialTokensByFamily) {
  const auto gpt2 = load_tokenizer(test::bpe_files(), "test");
  EXPECT_EQ(gpt2->encode("low<|endoftext|>").size(), 2u);
  EXPECT_EQ(gpt2->decode(gpt2->encode("low<|endoftext|>").ids), "low");
  EXPECT_EQ(gpt2->encode_pair("low", "low").type_ids, (std::vector<int32_t>{0, 1}));
  const auto roberta = load_tokenizer(test::bpe_files(R"({"tokenizer_class": "RobertaTokenizer"})"), "test");
  const Encoding encoding = roberta->encode("low <mask>");
  EXPECT_EQ(encoding.ids.size(), 4u);
  EXPECT_EQ(encoding.ids[2], roberta->mask_id());
  EXPECT_EQ(encoding.offsets, (Spans{{0, 0}, {0, 3}, {4, 10}, {0, 0}}));
  EXPECT_EQ(roberta->encode(" low", kPlain).offsets, (Spans{{1, 1}, {1, 4}}));
}

// A queue for long words and a plain search for short ones: the same merges.
TEST(Bpe, LongAndShortWordsAreCutAlike) {
  const auto tokenizer = load_tokenizer(test::bpe_files(), "test");
  const Words once = words(*tokenizer, "lowerlow");
  Words many;
  std::string text;
  for (int i = 0; i < 10; ++i) {
    text += "lowerlow";
    many.insert(many.end(), once.begin(), once.end());
  }
  EXPECT_EQ(words(*tokenizer, text), many);
}

TEST(Unigram, TheMostProbableCut) {
  const auto tokenizer = load_tokenizer(test::unigram_files(), "test");
  EXPECT_EQ(words(*tokenizer, "abab c"), (Words{"\u2581ab", "ab", "\u2581c"}));
  EXPECT_EQ(tokenizer->encode("abab c", kPlain).offsets, (Spans{{0, 2}, {2, 4}, {4, 6}}));
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("abab c").ids), "abab c");
}

TEST(Unigram, UnknownTextIsOneToken) {
  const auto tokenizer = load_tokenizer(test::unigram_files(), "test");
  EXPECT_EQ(words(*tokenizer, "aXYb"), (Words{"\u2581", "a", "XY", "b"}));
  EXPECT_EQ(tokenizer->encode("aXYb", kPlain).ids[2], tokenizer->id("<unk>"));
  EXPECT_EQ(tokenizer->encode("aXYb", kPlain).offsets, (Spans{{0, 1}, {0, 1}, {1, 3}, {3, 4}}));
}

std::shared_ptr<const Tokenizer> sentencepiece(const std::string& model, const std::string& config = "") {
  std::vector<TokenizerFile> files = {{"spiece.model", std::make_shared<const std::string>(model)}};
  if (!config.empty()) files.push_back({"tokenizer_config.json", std::make_shared<const std::string>(config)});
  return load_tokenizer(files, "test");
}

TEST(SentencePiece, BlanksTogetherAndWordsMarked) {
  const auto tokenizer = sentencepiece(test::small_sentencepiece());
  EXPECT_EQ(words(*tokenizer, "  ab   c "), (Words{"\u2581ab", "\u2581c"}));
  EXPECT_EQ(tokenizer->encode("  ab   c ", kPlain).offsets, (Spans{{2, 4}, {4, 8}}));
  EXPECT_EQ(words(*tokenizer, "   "), Words{});
  EXPECT_EQ(tokenizer->encode("ab").ids.back(), tokenizer->id("</s>"));
  // Control symbols are no text, pieces that a person defined always are.
  EXPECT_EQ(words(*tokenizer, "a</s>"), (Words{"\u2581", "a", "</s>"}));
  EXPECT_EQ(tokenizer->encode("a</s>", kPlain).ids[2], tokenizer->id("<unk>"));
  EXPECT_EQ(words(*tokenizer, "a<sep>b"), (Words{"\u2581", "a", "<sep>", "b"}));
}

TEST(SentencePiece, OptionsOfTheModel) {
  // Neither a blank before the text, nor blanks taken together.
  const std::string bare = test::number_field(3, 0) + test::number_field(4, 0);
  EXPECT_EQ(words(*sentencepiece(test::small_sentencepiece("", bare)), "ab  c"), (Words{"ab", "\u2581", "\u2581c"}));
  // Bytes for unknown text.
  std::vector<test::ProtoPiece> pieces = {{"<unk>", 0, 2}, {"a", -1}, {"\u2581", -2}};
  for (int byte = 0; byte < 256; ++byte) {
    std::string name = "<0x00>";
    name[3] = "0123456789ABCDEF"[byte / 16];
    name[4] = "0123456789ABCDEF"[byte % 16];
    pieces.push_back({name, 0, 6});
  }
  const auto fallback = sentencepiece(test::sentencepiece_file(pieces, test::number_field(35, 1)));
  EXPECT_EQ(words(*fallback, "a\u00e9"), (Words{"\u2581", "a", "<0xC3>", "<0xA9>"}));
  EXPECT_EQ(fallback->encode("a\u00e9", kPlain).offsets, (Spans{{0, 1}, {0, 1}, {1, 2}, {1, 2}}));
  EXPECT_EQ(fallback->decode(fallback->encode("a\u00e9").ids), "a\u00e9");
  // What is not known is named.
  for (const std::string& trainer : {test::number_field(3, 2), test::number_field(24, 1)}) {
    const Error error = test::expect_error([&] { sentencepiece(test::small_sentencepiece(trainer)); });
    EXPECT_EQ(error.kind(), ErrorKind::Unsupported) << error.what();
  }
  const Error error = test::expect_error(
      [] { sentencepiece(test::small_sentencepiece(), R"({"tokenizer_class": "XLMRobertaTokenizer"})"); });
  EXPECT_EQ(error.kind(), ErrorKind::Unsupported);
  EXPECT_NE(std::string(error.what()).find("XLMRoberta"), std::string::npos) << error.what();
}

TEST(SentencePiece, T5AddsItsExtraTokens) {
  const auto tokenizer = sentencepiece(test::small_sentencepiece(), R"({"tokenizer_class": "T5Tokenizer"})");
  EXPECT_EQ(tokenizer->vocab_size(), sentencepiece(test::small_sentencepiece())->vocab_size() + 100);
  EXPECT_EQ(tokenizer->token(static_cast<TokenId>(tokenizer->vocab_size()) - 1), "<extra_id_0>");
  EXPECT_EQ(words(*tokenizer, "ab<extra_id_7>c"), (Words{"\u2581ab", "<extra_id_7>", "\u2581c"}));
}

TEST(Marian, IdsOfTheListAndTwoModels) {
  std::vector<TokenizerFile> files = test::marian_files();
  const auto tokenizer = load_tokenizer(files, "test");
  EXPECT_EQ(tokenizer->encode("ab c").ids, (Ids{10, 11, 0}));
  EXPECT_EQ(tokenizer->encode(">>xx<< ab c").ids, (Ids{3, 10, 11, 0}));
  EXPECT_EQ(tokenizer->encode("zz", {.target = true}).ids, (Ids{12, 0}));
  EXPECT_EQ(tokenizer->encode("zz").ids, (Ids{4, 1, 0}));
  EXPECT_EQ(tokenizer->decode({12, 0}), "zz");
  EXPECT_EQ(tokenizer->encode_pair("ab", "c").ids, (Ids{10, 11, 0}));
}

// A single word of a million bytes: quadratic work would take hours.
TEST(LongWords, TakeTimeInProportion) {
  const std::string word(1'000'000, 'a');
  std::string mixed;
  for (int i = 0; i < 125'000; ++i) mixed += "lowerslo";
  for (const auto& files : {test::bpe_files(), test::unigram_files(), test::wordpiece_files()}) {
    const auto tokenizer = load_tokenizer(files, "test");
    for (const std::string& text : {word, mixed}) {
      const Encoding encoding = tokenizer->encode(text, kPlain);
      ASSERT_FALSE(encoding.ids.empty());
      EXPECT_EQ(encoding.offsets.front().first, 0);
      EXPECT_EQ(encoding.offsets.back().second, 1'000'000);
    }
  }
  const auto model = sentencepiece(test::small_sentencepiece());
  EXPECT_EQ(model->encode(word, kPlain).offsets.back().second, 1'000'000);
}

}  // namespace
}  // namespace espalier
