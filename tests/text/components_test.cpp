// Normalizers, pre-tokenizers, decoders and post-processors one by one, as
// tokenizer.json names them.

#include "base/json.h"
#include "tests/support/support.h"
#include "text/component_json.h"

namespace espalier {
namespace {

using Spans = std::vector<std::pair<int32_t, int32_t>>;
using Words = std::vector<std::string>;

struct Normalized {
  std::string text;
  Spans spans;
};

Normalized normalize(const Json& json, std::string_view text) {
  int32_t ignored = 0;
  AlignedText aligned = aligned_text(text, ignored);
  normalizer_from_json(json, "test")->apply(aligned, GrowthLimit(aligned.size()));
  Normalized result{to_utf8(aligned), {}};
  for (const AlignedChar& c : aligned) result.spans.emplace_back(c.begin, c.end);
  return result;
}

Words split(const Json& json, std::string_view text) {
  int32_t ignored = 0;
  SplitText parts;
  parts.chars = aligned_text(text, ignored);
  parts.words = {{0, parts.chars.size()}};
  const GrowthLimit limit(parts.chars.size());
  pre_tokenizer_from_json(json, "test")->apply(parts, limit);
  Words words;
  for (const Range& word : parts.words) {
    words.push_back(to_utf8(std::span(parts.chars).subspan(word.begin, word.end - word.begin)));
  }
  return words;
}

std::string decode(const Json& json, Words tokens) { return decoder_from_json(json, "test").decode(std::move(tokens)); }

TEST(Normalizers, UnicodeFormsKeepTheirPlaces) {
  // e with acute in one code point and in two, a ligature, a Hangul syllable.
  const std::string text = "\u00e9e\u0301\ufb01\ud55c";
  EXPECT_EQ(normalize({{"type", "NFD"}}, text).text, "e\u0301e\u0301\ufb01\u1112\u1161\u11ab");
  EXPECT_EQ(normalize({{"type", "NFD"}}, text).spans,
            (Spans{{0, 1}, {0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}, {4, 5}, {4, 5}}));
  EXPECT_EQ(normalize({{"type", "NFC"}}, text).text, "\u00e9\u00e9\ufb01\ud55c");
  EXPECT_EQ(normalize({{"type", "NFC"}}, text).spans, (Spans{{0, 1}, {1, 2}, {3, 4}, {4, 5}}));
  EXPECT_EQ(normalize({{"type", "NFKC"}}, text).text, "\u00e9\u00e9fi\ud55c");
  EXPECT_EQ(normalize({{"type", "NFKC"}}, text).spans, (Spans{{0, 1}, {1, 2}, {3, 4}, {3, 4}, {4, 5}}));
  EXPECT_EQ(normalize({{"type", "NFKD"}}, "\ufb01\u2460").text, "fi1");
}

TEST(Normalizers, MarksAreOrderedBeforeTheyAreComposed) {
  // Dot above (class 230) before dot below (class 220): the order of the
  // classes counts.
  EXPECT_EQ(normalize({{"type", "NFC"}}, "q\u0307\u0323").text, "q\u0323\u0307");
  EXPECT_EQ(normalize({{"type", "NFC"}}, "s\u0307\u0323").text, "\u1e69");
  EXPECT_EQ(normalize({{"type", "NFC"}}, "\u1112\u1161\u11ab").text, "\ud55c");
}

TEST(Normalizers, SmallOnes) {
  EXPECT_EQ(normalize({{"type", "Lowercase"}}, "A\u0130\u03a3").text, "ai\u0307\u03c3");
  EXPECT_EQ(normalize({{"type", "Lowercase"}}, "A\u0130\u03a3").spans, (Spans{{0, 1}, {1, 2}, {1, 2}, {2, 3}}));
  EXPECT_EQ(normalize({{"type", "StripAccents"}}, "e\u0301\u0903x").text, "ex");
  EXPECT_EQ(normalize({{"type", "Strip"}}, " \ta b\u2003 ").text, "a b");
  EXPECT_EQ(normalize({{"type", "Strip"}}, " \ta b\u2003 ").spans, (Spans{{2, 3}, {3, 4}, {4, 5}}));
  EXPECT_EQ(normalize({{"type", "Strip"}, {"strip_left", false}}, " a ").text, " a");
  EXPECT_EQ(normalize({{"type", "Strip"}}, "   ").text, "");
  EXPECT_EQ(normalize({{"type", "Prepend"}, {"prepend", "xy"}}, "a").spans, (Spans{{0, 1}, {0, 1}, {0, 1}}));
  EXPECT_EQ(normalize({{"type", "Prepend"}, {"prepend", "xy"}}, "").text, "");
  EXPECT_EQ(normalize({{"type", "Nmt"}}, "a\u0001\tb\u200bc\u007f").text, "a b c");
  const Json both = {{"type", "Sequence"}, {"normalizers", {{{"type", "NFD"}}, {{"type", "StripAccents"}}}}};
  EXPECT_EQ(normalize(both, "\u00e9\u00e9").text, "ee");
}

TEST(Normalizers, WhatReplacesStandsForTheLastReplaced) {
  const Json quotes = {{"type", "Replace"}, {"pattern", {{"String", "''"}}}, {"content", "\""}};
  EXPECT_EQ(normalize(quotes, "a''b").text, "a\"b");
  EXPECT_EQ(normalize(quotes, "a''b").spans, (Spans{{0, 1}, {2, 3}, {3, 4}}));
  const Json blanks = {{"type", "Replace"}, {"pattern", {{"Regex", " {2,}"}}}, {"content", "_-"}};
  EXPECT_EQ(normalize(blanks, "a b   c").text, "a b_-c");
  EXPECT_EQ(normalize(blanks, "a b   c").spans, (Spans{{0, 1}, {1, 2}, {2, 3}, {5, 6}, {5, 6}, {6, 7}}));
  const Json any = {{"type", "Replace"}, {"pattern", {{"Regex", "\\s+"}}}, {"content", " "}};
  EXPECT_EQ(normalize(any, "a \t\nb").text, "a b");
  const Json one = {{"type", "Replace"}, {"pattern", {{"Regex", "\\d"}}}, {"content", "0"}};
  EXPECT_EQ(normalize(one, "a12").text, "a00");
  const Json literal = {{"type", "Replace"}, {"pattern", {{"Regex", "ab"}}}, {"content", "x"}};
  EXPECT_EQ(normalize(literal, "ababa").text, "xxa");
}

TEST(Normalizers, GrowthHasABound) {
  Json steps = Json::array();
  for (int i = 0; i < 20; ++i) {
    steps.push_back({{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", std::string(100, 'a')}});
  }
  const Error error = test::expect_error([&] { normalize({{"type", "Sequence"}, {"normalizers", steps}}, "aaaa"); });
  EXPECT_EQ(error.kind(), ErrorKind::Format) << error.what();
}

TEST(Normalizers, RegularExpressionsThatAreNotKnownAreNamed) {
  for (const std::string& pattern :
       {std::string("(a|b)*"), std::string("[^a]"), std::string("a*"), std::string("^a")}) {
    const Error error = test::expect_error([&] {
      normalize({{"type", "Replace"}, {"pattern", {{"Regex", pattern}}}, {"content", ""}}, "x");
    });
    EXPECT_EQ(error.kind(), ErrorKind::Unsupported) << error.what();
    EXPECT_NE(std::string(error.what()).find(pattern), std::string::npos) << error.what();
  }
}

TEST(PreTokenizers, CharactersOfOneKind) {
  EXPECT_EQ(split({{"type", "WhitespaceSplit"}}, " a,b \u2003c "), (Words{"a,b", "c"}));
  EXPECT_EQ(split({{"type", "Whitespace"}}, " a_1,; b"), (Words{"a_1", ",;", "b"}));
  EXPECT_EQ(split({{"type", "Punctuation"}}, "a,;b"), (Words{"a", ",", ";", "b"}));
  EXPECT_EQ(split({{"type", "Punctuation"}, {"behavior", "Contiguous"}}, "a,;b"), (Words{"a", ",;", "b"}));
  EXPECT_EQ(split({{"type", "Digits"}}, "a12b3"), (Words{"a", "12", "b", "3"}));
  EXPECT_EQ(split({{"type", "Digits"}, {"individual_digits", true}}, "a12"), (Words{"a", "1", "2"}));
  EXPECT_EQ(split({{"type", "BertPreTokenizer"}}, "a b,c\u2003d"), (Words{"a", "b", ",", "c", "d"}));
}

TEST(PreTokenizers, EveryBehaviorOfSplit) {
  const auto at_dash = [](const char* behavior, bool invert = false) {
    return split({{"type", "Split"}, {"pattern", {{"String", "-"}}}, {"behavior", behavior}, {"invert", invert}},
                 "-a--b-");
  };
  EXPECT_EQ(at_dash("Removed"), (Words{"a", "b"}));
  EXPECT_EQ(at_dash("Isolated"), (Words{"-", "a", "-", "-", "b", "-"}));
  EXPECT_EQ(at_dash("MergedWithPrevious"), (Words{"-", "a-", "-", "b-"}));
  EXPECT_EQ(at_dash("MergedWithNext"), (Words{"-a", "-", "-b", "-"}));
  EXPECT_EQ(at_dash("Contiguous"), (Words{"-", "a", "--", "b", "-"}));
  EXPECT_EQ(at_dash("Removed", true), (Words{"-", "-", "-", "-"}));
}

TEST(PreTokenizers, Gpt2Words) {
  const Json json = {{"type", "ByteLevel"}, {"add_prefix_space", false}};
  EXPECT_EQ(split(json, "I'll  go,\u00e9 x1\n "),
            (Words{"I", "'ll", "\u0120", "\u0120go", ",", "\u00c3\u00a9", "\u0120x", "1", "\u010a\u0120"}));
  EXPECT_EQ(split({{"type", "ByteLevel"}}, "a"), (Words{"\u0120a"}));
  EXPECT_EQ(split({{"type", "ByteLevel"}, {"use_regex", false}}, "a b"), (Words{"\u0120a\u0120b"}));
  const Json pattern = {
      {"type", "Split"},
      {"pattern", {{"Regex", R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)"}}},
      {"behavior", "Isolated"}};
  EXPECT_EQ(split(pattern, "we're  12 !? "), (Words{"we", "'re", " ", " 12", " !?", " "}));
}

TEST(PreTokenizers, MetaspaceMarksBeginWords) {
  EXPECT_EQ(split({{"type", "Metaspace"}, {"replacement", "_"}}, "a  b "), (Words{"_a", "_", "_b", "_"}));
  EXPECT_EQ(split({{"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "never"}}, "a b"),
            (Words{"a", "_b"}));
  EXPECT_EQ(split({{"type", "Metaspace"}, {"replacement", "_"}, {"split", false}}, "a b"), (Words{"_a_b"}));
  EXPECT_EQ(split({{"type", "Metaspace"}, {"replacement", "_"}, {"add_prefix_space", false}}, "a b"),
            (Words{"a", "_b"}));
  const Json first = {
      {"type", "Sequence"},
      {"pretokenizers",
       {{{"type", "WhitespaceSplit"}}, {{"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "first"}}}}};
  EXPECT_EQ(split(first, "a b"), (Words{"_a", "b"}));
}

TEST(Decoders, OneByOne) {
  EXPECT_EQ(decode({{"type", "WordPiece"}}, {"a", "##b", ".", "n't"}), "ab.n't");
  EXPECT_EQ(decode({{"type", "WordPiece"}, {"cleanup", false}}, {"a", "."}), "a .");
  EXPECT_EQ(decode({{"type", "ByteLevel"}}, {"\u0120a", "\u00c3", "\u00a9", "\u00c3"}), " a\u00e9\ufffd");
  EXPECT_EQ(decode({{"type", "Metaspace"}, {"replacement", "_"}}, {"_a", "_b_"}), "a b ");
  EXPECT_EQ(decode({{"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "never"}}, {"_a"}), " a");
  EXPECT_EQ(decode(Json(), {"a", "b"}), "a b");
  const Json llama = {{"type", "Sequence"},
                      {"decoders",
                       {{{"type", "Replace"}, {"pattern", {{"String", "_"}}}, {"content", " "}},
                        {{"type", "ByteFallback"}},
                        {{"type", "Fuse"}},
                        {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}}}};
  EXPECT_EQ(decode(llama, {"_a", "<0xC3>", "<0xA9>", "_", "<0xFF>", "<0x41>"}), "a\u00e9 \ufffd\ufffd");
}

TEST(PostProcessors, AroundOneAndTwoTexts) {
  const auto ids = [](const Json& json, bool special = true) {
    TokenSpans a, b;
    a.add(7, {0, 1});
    b.add(8, {0, 1});
    const Encoding pair = post_processor_from_json(json, "test").assemble(a, &b, special);
    return std::pair(pair.ids, pair.type_ids);
  };
  using Ids = std::vector<TokenId>;
  using Types = std::vector<int32_t>;
  const Json roberta = {{"type", "RobertaProcessing"}, {"sep", {"s", 2}}, {"cls", {"c", 1}}};
  EXPECT_EQ(ids(roberta), std::pair(Ids({1, 7, 2, 2, 8, 2}), Types({0, 0, 0, 0, 0, 0})));
  EXPECT_EQ(ids(roberta, false), std::pair(Ids({7, 8}), Types({0, 0})));
  const Json bert = {{"type", "BertProcessing"}, {"sep", {"s", 2}}, {"cls", {"c", 1}}};
  EXPECT_EQ(ids(bert), std::pair(Ids({1, 7, 2, 8, 2}), Types({0, 0, 0, 1, 1})));
  EXPECT_EQ(ids(Json()), std::pair(Ids({7, 8}), Types({0, 1})));
  EXPECT_EQ(ids({{"type", "Sequence"}, {"processors", {{{"type", "ByteLevel"}}, bert}}}), ids(bert));
}

TEST(Graphemes, EndWhereAReaderWouldEndThem) {
  const auto ends = [](std::string_view text) {
    int32_t ignored = 0;
    const AlignedText chars = aligned_text(text, ignored);
    std::vector<size_t> found;
    for (size_t at = 0; at < chars.size();) found.push_back(at = grapheme_end(chars, at));
    return found;
  };
  using Ends = std::vector<size_t>;
  EXPECT_EQ(ends("ab\r\nc"), (Ends{1, 2, 4, 5}));
  EXPECT_EQ(ends("e\u0301x"), (Ends{2, 3}));
  EXPECT_EQ(ends("\u1112\u1161\u11ab\u1112"), (Ends{3, 4}));
  EXPECT_EQ(ends("\U0001F1E6\U0001F1E7\U0001F1E8"), (Ends{2, 3}));                    // flags
  EXPECT_EQ(ends("\U0001F469\u200D\U0001F4BBa"), (Ends{3, 4}));                       // joined pictographs
  EXPECT_EQ(ends("\U0001F469\U0001F3FB\u200D\U0001F4BB\u0915\u093F"), (Ends{4, 6}));  // with a skin tone; a vowel sign
  EXPECT_EQ(ends("\u0600a\n\u0301"), (Ends{2, 3, 4}));
}

}  // namespace
}  // namespace espalier
