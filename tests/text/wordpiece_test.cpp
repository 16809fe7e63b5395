// Known answers made by hand: these need no reference data.

#include "text/wordpiece.h"
#include "base/json.h"

#include "base/rng.h"
#include "tests/support/support.h"
#include "text/composed_tokenizer.h"
#include "text/tokenizer_readers.h"
#include "text/unicode.h"

namespace espalier {
namespace {

using Spans = std::vector<std::pair<int32_t, int32_t>>;
using Words = std::vector<std::string>;

const char* const kVocabulary =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nun\n##aff\n##able\nhello\nworld\n,\n.\n'\ns\ncafe\n中\n文\ni\n##s\nwant\n##"
    "ed\n"
    "a\nb\nc\nd\ne\nσ\n##σ\ncafé\n<\n>\nHello\n";

TokenizerParts parts() { return read_wordpiece_vocabulary(kVocabulary, {}, "test"); }

std::shared_ptr<const Tokenizer> make(bool lower_case = true) {
  TokenizerSettings settings;
  settings.lower_case = lower_case;
  return compose_tokenizer(read_wordpiece_vocabulary(kVocabulary, settings, "test"), "test");
}

Words words(const Tokenizer& tokenizer, const Encoding& encoding) {
  Words result;
  for (const TokenId id : encoding.ids) result.push_back(tokenizer.token(id));
  return result;
}

Words words(const Tokenizer& tokenizer, std::string_view text) {
  return words(tokenizer, tokenizer.encode(text, {.add_special_tokens = false}));
}

Spans spans(const Tokenizer& tokenizer, std::string_view text) {
  return tokenizer.encode(text, {.add_special_tokens = false}).offsets;
}

TEST(WordPiece, LongestPieceFirstWithOffsets) {
  const auto tokenizer = make();
  EXPECT_EQ(words(*tokenizer, "Unaffable, hello."), (Words{"un", "##aff", "##able", ",", "hello", "."}));
  EXPECT_EQ(spans(*tokenizer, "Unaffable, hello."), (Spans{{0, 2}, {2, 5}, {5, 9}, {9, 10}, {11, 16}, {16, 17}}));
}

TEST(WordPiece, AWordWithoutPiecesIsOneUnknown) {
  const auto tokenizer = make();
  EXPECT_EQ(words(*tokenizer, "unaffx hello"), (Words{"[UNK]", "hello"}));
  EXPECT_EQ(spans(*tokenizer, "unaffx hello"), (Spans{{0, 6}, {7, 12}}));
}

TEST(WordPiece, OffsetsCountCodePoints) {
  const auto tokenizer = make();
  // e with acute in one code point, then as two; a blank of three bytes.
  EXPECT_EQ(words(*tokenizer, "Caf\u00e9\u2003cafe\u0301 world"), (Words{"cafe", "cafe", "world"}));
  EXPECT_EQ(spans(*tokenizer, "Caf\u00e9\u2003cafe\u0301 world"), (Spans{{0, 4}, {5, 9}, {11, 16}}));
}

TEST(WordPiece, IdeographsStandAlone) {
  const auto tokenizer = make();
  EXPECT_EQ(words(*tokenizer, "a中文b"), (Words{"a", "中", "文", "b"}));
  EXPECT_EQ(spans(*tokenizer, "a中文b"), (Spans{{0, 1}, {1, 2}, {2, 3}, {3, 4}}));
}

TEST(WordPiece, ControlCharactersVanishInsideWords) {
  const auto tokenizer = make();
  using namespace std::string_view_literals;
  EXPECT_EQ(words(*tokenizer, "he\0ll\x7Fo\tworld"sv), (Words{"hello", "world"}));
  EXPECT_EQ(spans(*tokenizer, "he\0ll\x7Fo\tworld"sv), (Spans{{0, 7}, {8, 13}}));
}

TEST(WordPiece, CasedKeepsCaseAndAccents) {
  const auto tokenizer = make(false);
  EXPECT_EQ(words(*tokenizer, "Hello café CAFE"), (Words{"Hello", "café", "[UNK]"}));
}

TEST(WordPiece, LowerCaseKnowsNoContext) {
  // A final capital sigma becomes the plain small one.
  EXPECT_EQ(words(*make(), "ΣΣ"), (Words{"σ", "##σ"}));
}

TEST(WordPiece, WordsOverTheLimitAreUnknown) {
  const auto tokenizer = make();
  std::string longest(100, 's');
  longest[0] = 'i';
  EXPECT_EQ(words(*tokenizer, longest).size(), 100u);
  EXPECT_EQ(words(*tokenizer, longest + "s"), (Words{"[UNK]"}));
}

TEST(WordPiece, SpecialTokensAreFoundInText) {
  const auto tokenizer = make();
  EXPECT_EQ(words(*tokenizer, "hello[MASK]world [mask]"),
            (Words{"hello", "[MASK]", "world", "[UNK]", "[UNK]", "[UNK]"}));
  EXPECT_EQ(tokenizer->encode("[MASK]").special, (std::vector<bool>{true, false, true}));
}

TEST(WordPiece, SpecialTokensAroundOneAndTwoTexts) {
  const auto tokenizer = make();
  const Encoding one = tokenizer->encode("hello");
  EXPECT_EQ(words(*tokenizer, one), (Words{"[CLS]", "hello", "[SEP]"}));
  EXPECT_EQ(one.offsets, (Spans{{0, 0}, {0, 5}, {0, 0}}));
  const Encoding two = tokenizer->encode_pair("hello", "a b");
  EXPECT_EQ(words(*tokenizer, two), (Words{"[CLS]", "hello", "[SEP]", "a", "b", "[SEP]"}));
  EXPECT_EQ(two.type_ids, (std::vector<int32_t>{0, 0, 0, 1, 1, 1}));
  EXPECT_EQ(two.special, (std::vector<bool>{true, false, true, false, false, true}));
}

TEST(WordPiece, DecodingJoinsPiecesAndMarks) {
  const auto tokenizer = make();
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("unaffable , hello .").ids), "unaffable, hello.");
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("hello").ids, false), "[CLS] hello [SEP]");
}

TEST(WordPiece, NamesAndIds) {
  const auto tokenizer = make();
  EXPECT_EQ(tokenizer->pad_id(), 0);
  EXPECT_EQ(tokenizer->mask_id(), 4);
  EXPECT_EQ(tokenizer->id("no such token"), 1);
  EXPECT_EQ(tokenizer->token(6), "##aff");
  EXPECT_TRUE(tokenizer->is_special(2));
  EXPECT_FALSE(tokenizer->is_special(8));
  EXPECT_FALSE(tokenizer->is_special(-1));
  EXPECT_EQ(test::expect_error([&] { (void)tokenizer->token(99999); }).kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(test::expect_error([&] { (void)tokenizer->decode({-1}); }).kind(), ErrorKind::InvalidInput);
}

// Tokens of both texts after cutting to `max_length`, from texts of the letters "a" and "b".
std::pair<int64_t, int64_t> cut(int64_t a, int64_t b, int64_t max_length,
                                Truncation strategy = Truncation::LongestFirst) {
  std::string first, second;
  for (int64_t i = 0; i < a; ++i) first += "a ";
  for (int64_t i = 0; i < b; ++i) second += "b ";
  const auto tokenizer = make();
  const Encoding encoding = tokenizer->encode_pair(first, second, {.max_length = max_length, .truncation = strategy});
  const Words all = words(*tokenizer, encoding);
  EXPECT_LE(static_cast<int64_t>(all.size()), max_length);
  return {std::count(all.begin(), all.end(), "a"), std::count(all.begin(), all.end(), "b")};
}

TEST(Truncation, LongestFirstCutsTheLongerUntilBothAreAlike) {
  EXPECT_EQ(cut(3, 3, 9), (std::pair<int64_t, int64_t>{3, 3}));
  EXPECT_EQ(cut(10, 2, 9), (std::pair<int64_t, int64_t>{4, 2}));
  EXPECT_EQ(cut(2, 10, 9), (std::pair<int64_t, int64_t>{2, 4}));
  EXPECT_EQ(cut(10, 9, 9), (std::pair<int64_t, int64_t>{3, 3}));
  EXPECT_EQ(cut(10, 9, 10), (std::pair<int64_t, int64_t>{4, 3}));
  EXPECT_EQ(cut(9, 10, 10), (std::pair<int64_t, int64_t>{3, 4}));
  EXPECT_EQ(cut(5, 5, 3), (std::pair<int64_t, int64_t>{0, 0}));
}

TEST(Truncation, OneTextAlone) {
  EXPECT_EQ(cut(10, 2, 9, Truncation::OnlyFirst), (std::pair<int64_t, int64_t>{4, 2}));
  EXPECT_EQ(cut(2, 10, 9, Truncation::OnlySecond), (std::pair<int64_t, int64_t>{2, 4}));
  const auto tokenizer = make();
  EXPECT_EQ(tokenizer->encode("a b c d e", {.max_length = 4}).size(), 4u);
  EXPECT_EQ(tokenizer->encode("a b c d e", {.max_length = 4, .truncation = Truncation::None}).size(), 7u);
}

TEST(Truncation, ImpossibleCutsAreRefused) {
  const auto tokenizer = make();
  const auto refused = [&](Truncation strategy, int64_t max_length) {
    const Error error = test::expect_error([&] {
      (void)tokenizer->encode_pair("a b c", "a b c d e", {.max_length = max_length, .truncation = strategy});
    });
    EXPECT_EQ(error.kind(), ErrorKind::InvalidInput) << error.what();
  };
  refused(Truncation::OnlyFirst, 8);
  refused(Truncation::OnlySecond, 6);
  refused(Truncation::LongestFirst, 2);
  EXPECT_EQ(test::expect_error([&] {
              (void)tokenizer->encode("a b c", {.max_length = 3, .truncation = Truncation::OnlySecond});
            }).kind(),
            ErrorKind::InvalidInput);
}

TEST(WordPiece, AnyBytesAreRead) {
  const auto tokenizer = make();
  EXPECT_EQ(words(*tokenizer, "he\xFFllo \xC3 world \xED\xA0\x80 a"), (Words{"hello", "world", "a"}));
  EXPECT_EQ(spans(*tokenizer, "\xC3 world"), (Spans{{2, 7}}));
  Rng rng(7);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (uint64_t i = rng.below(40); i > 0; --i) text.push_back(static_cast<char>(rng.below(256)));
    const int64_t chars = count_code_points(text);
    for (const auto& [begin, end] : spans(*tokenizer, text)) {
      ASSERT_LE(0, begin);
      ASSERT_LT(begin, end);
      ASSERT_LE(end, chars);
    }
  }
}

// The quick way over ASCII and the whole way must agree: a token that is looked for after normalizing forces the
// latter.
TEST(WordPiece, QuickAndWholeWayAgree) {
  TokenizerParts config = parts();
  const auto quick = compose_tokenizer(config, "test");
  config.added.push_back({.id = 8, .content = "never-in-the-text", .normalized = true, .special = false});
  const auto whole = compose_tokenizer(config, "test");
  const std::string alphabet = "aBcde ,.'<>iSs\t\x01\x7Fhellow \xC3\xA9\xCC\x81";
  Rng rng(11);
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (uint64_t i = rng.below(30); i > 0; --i) text.push_back(alphabet[rng.below(alphabet.size())]);
    const Encoding a = quick->encode(text);
    const Encoding b = whole->encode(text);
    ASSERT_EQ(a.ids, b.ids) << Json(text).dump(-1, ' ', true, Json::error_handler_t::replace);
    ASSERT_EQ(a.offsets, b.offsets) << Json(text).dump(-1, ' ', true, Json::error_handler_t::replace);
  }
}

TEST(AddedTokens, BlanksCaseAndBoundaries) {
  TokenizerParts config = parts();
  const auto id = static_cast<TokenId>(config.tokens.size());
  config.tokens.push_back("<ent>");
  config.added.push_back({.id = id, .content = "<ent>", .lstrip = true, .rstrip = true, .special = false});
  config.tokens.push_back("cab");
  config.added.push_back({.id = id + 1, .content = "cab", .single_word = true, .special = false});
  config.tokens.push_back("BAD");
  config.added.push_back({.id = id + 2, .content = "BAD", .normalized = true, .special = false});
  const auto tokenizer = compose_tokenizer(config, "test");
  EXPECT_EQ(words(*tokenizer, "a  <ent> b"), (Words{"a", "<ent>", "b"}));
  EXPECT_EQ(spans(*tokenizer, "a  <ent> b"), (Spans{{0, 1}, {1, 9}, {9, 10}}));
  EXPECT_EQ(words(*tokenizer, "cab scab"), (Words{"cab", "[UNK]"}));
  EXPECT_EQ(words(*tokenizer, "a Bad b"), (Words{"a", "BAD", "b"}));
  EXPECT_EQ(spans(*tokenizer, "a B\u00e1d b"), (Spans{{0, 1}, {2, 5}, {6, 7}}));
}

TEST(TokenizerJson, UnknownComponentsAreNamed) {
  const Json good = {{"model", {{"type", "WordPiece"}, {"unk_token", "u"}, {"vocab", {{"u", 0}, {"a", 1}}}}},
                     {"normalizer", {{"type", "BertNormalizer"}}},
                     {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
                     {"decoder", {{"type", "WordPiece"}}}};
  const auto tokenizer = compose_tokenizer(read_tokenizer_json(good, "t"), "t");
  EXPECT_EQ(tokenizer->encode("A x").ids, (std::vector<TokenId>{1, 0}));
  for (const std::string& component : {std::string("model"), std::string("normalizer"), std::string("pre_tokenizer"),
                                       std::string("decoder"), std::string("post_processor")}) {
    Json bad = good;
    bad[component]["type"] = "Curious";
    const Error error = test::expect_error([&] { read_tokenizer_json(bad, "t"); });
    EXPECT_EQ(error.kind(), ErrorKind::Unsupported);
    EXPECT_NE(std::string(error.what()).find(component), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("Curious"), std::string::npos) << error.what();
  }
}

TEST(TokenizerJson, DamageIsAFormatError) {
  const auto fails = [](const std::string& text) {
    const Error error = test::expect_error([&] {
      load_tokenizer({{"tokenizer.json", std::make_shared<const std::string>(text)}}, "folder");
    });
    EXPECT_TRUE(error.kind() == ErrorKind::Format || error.kind() == ErrorKind::Unsupported) << error.what();
    EXPECT_NE(std::string(error.what()).find("tokenizer.json"), std::string::npos) << error.what();
  };
  fails("");
  fails("{");
  fails("[]");
  fails(R"({"model": 3})");
  fails(R"({"model": {"type": "WordPiece", "vocab": []}})");
  fails(R"({"model": {"type": "WordPiece", "vocab": {"a": "b"}}})");
  fails(R"({"model": {"type": "WordPiece", "vocab": {"a": -1}}})");
  fails(R"({"model": {"type": "WordPiece", "vocab": {"a": 99999999999}}})");
  fails(R"({"model": {"type": "WordPiece", "vocab": {"a": 0}}, "pre_tokenizer": {"type": "BertPreTokenizer"}})");
  fails(R"({"model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": ["a b"]}})");
  fails(R"({"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b c"]}})");
  fails(R"({"model": {"type": "BPE", "vocab": {"a": 0}}})");
  fails(R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [], "end_of_word_suffix": "</w>"}})");
  fails(R"({"model": {"type": "Unigram", "vocab": []}})");
  fails(R"({"model": {"type": "Unigram", "unk_id": 3, "vocab": [["a", 0.0]]}})");
  fails(R"({"model": {"type": "Unigram", "unk_id": 0, "vocab": [["a", "b"]]}})");
  const std::string good = R"("model": {"type": "Unigram", "unk_id": 0, "vocab": [["a", 0.0]]})";
  fails("{" + good + R"(, "normalizer": {"type": "Precompiled", "precompiled_charsmap": "////fw=="}})");
  fails("{" + good + R"(, "normalizer": {"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": ""}})");
  fails("{" + good + R"(, "pre_tokenizer": {"type": "Metaspace", "replacement": "ab"}})");
  fails("{" + good + R"(, "post_processor": {"type": "RobertaProcessing", "sep": ["a", 7], "cls": ["a", 0]}})");
  fails("{" + good + R"(, "decoder": {"type": "Replace", "pattern": {"String": ""}, "content": "x"}})");
}

TEST(TokenizerFiles, MissingFilesAreSaid) {
  const Error error = test::expect_error([] { load_tokenizer({}, "some/folder"); });
  EXPECT_EQ(error.kind(), ErrorKind::InvalidInput);
  EXPECT_NE(std::string(error.what()).find("some/folder"), std::string::npos);
  const Error incomplete = test::expect_error([] {
    load_tokenizer({{"vocab.txt", std::make_shared<const std::string>("a\nb\n")}}, "folder");
  });
  EXPECT_EQ(incomplete.kind(), ErrorKind::Format);
}

TEST(Packing, LaysSequencesEndToEnd) {
  const auto tokenizer = make();
  const std::vector<Encoding> encodings = {tokenizer->encode("a"), tokenizer->encode("a b")};
  const PackedBatch batch = pack(encodings);
  EXPECT_EQ(batch.starts, (std::vector<int32_t>{0, 3, 7}));
  EXPECT_EQ(batch.num_tokens(), 7);
  EXPECT_EQ(batch.num_sequences(), 2);
  EXPECT_EQ(pack(std::vector<Encoding>{}).starts, (std::vector<int32_t>{0}));
}

}  // namespace
}  // namespace espalier
