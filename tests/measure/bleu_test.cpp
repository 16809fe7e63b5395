#include "measure/bleu.h"

#include <cmath>

#include "measure/significance.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

using Texts = std::vector<std::string>;

TEST(Tokenize13a, SetsPunctuationApart) {
  EXPECT_EQ(tokenize_13a("Hello, world."), (Texts{"Hello", ",", "world", "."}));
  EXPECT_EQ(tokenize_13a("It wasn't surprising."), (Texts{"It", "wasn't", "surprising", "."}));
  EXPECT_EQ(tokenize_13a("(a) {b} [c] \"d\" e/f"),
            (Texts{"(", "a", ")", "{", "b", "}", "[", "c", "]", "\"", "d", "\"", "e", "/", "f"}));
}

TEST(Tokenize13a, NumbersKeepTheirPoints) {
  EXPECT_EQ(tokenize_13a("It costs 1,000.50 now"), (Texts{"It", "costs", "1,000.50", "now"}));
  EXPECT_EQ(tokenize_13a("in 1995."), (Texts{"in", "1995", "."}));
  EXPECT_EQ(tokenize_13a("v.5"), (Texts{"v", ".", "5"}));
  EXPECT_EQ(tokenize_13a("5.x"), (Texts{"5", ".", "x"}));
  // A hyphen leaves a digit before it, not a letter.
  EXPECT_EQ(tokenize_13a("1990-95 well-known"), (Texts{"1990", "-", "95", "well-known"}));
}

TEST(Tokenize13a, EntitiesAndLineEnds) {
  EXPECT_EQ(tokenize_13a("a &amp; b &lt;c&gt; &quot;d&quot;"), (Texts{"a", "&", "b", "<", "c", ">", "\"", "d", "\""}));
  EXPECT_EQ(tokenize_13a("exam-\nple one\ntwo"), (Texts{"example", "one", "two"}));
  EXPECT_EQ(tokenize_13a(""), Texts{});
  EXPECT_EQ(tokenize_13a("Straße, groß"), (Texts{"Straße", ",", "groß"}));
}

TEST(Bleu, OfThePublishedExample) {
  // The example of SacreBLEU's own page: 48.53 82.4/50.0/45.5/37.5 (BP = 0.943, 17 of 18 tokens).
  const Texts hypotheses = {"The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."};
  const std::vector<Texts> references = {{"The dog bit the man.", "The dog had bit the man."},
                                         {"It was not unexpected.", "No one was surprised."},
                                         {"The man bit him first.", "The man had bitten the dog."}};
  const Bleu bleu = corpus_bleu(hypotheses, references);
  EXPECT_NEAR(bleu.score, 48.530827009929865, 1e-9);
  EXPECT_NEAR(bleu.precisions[0], 100 * 14.0 / 17, 1e-9);
  EXPECT_NEAR(bleu.precisions[1], 50, 1e-9);
  EXPECT_NEAR(bleu.precisions[2], 100 * 5.0 / 11, 1e-9);
  EXPECT_NEAR(bleu.precisions[3], 37.5, 1e-9);
  EXPECT_NEAR(bleu.brevity_penalty, std::exp(-1.0 / 17), 1e-12);
  EXPECT_EQ(bleu.counts.hypothesis_length, 17);
  EXPECT_EQ(bleu.counts.reference_length, 18);
  EXPECT_EQ(bleu.signature, "nrefs:2|case:mixed|eff:no|tok:13a|smooth:exp");
  EXPECT_LE(bleu.interval.low, bleu.score);
  EXPECT_GE(bleu.interval.high, bleu.score);
}

TEST(Bleu, SmoothingOfAnOrderWithoutAMatch) {
  // Matches 3 of 4, 2 of 3, 1 of 2, 0 of 1.
  const Texts hypothesis = {"this is a fest"};
  const std::vector<Texts> reference = {{"this is a test"}};
  EXPECT_NEAR(corpus_bleu(hypothesis, reference).score, 100 * std::pow(0.75 * 2 / 3 * 0.5 * 0.5, 0.25), 1e-9);
  BleuOptions options;
  options.smoothing = BleuSmoothing::Floor;
  EXPECT_NEAR(corpus_bleu(hypothesis, reference, options).score, 100 * std::pow(0.75 * 2 / 3 * 0.5 * 0.1, 0.25), 1e-9);
  options.smoothing = BleuSmoothing::None;
  EXPECT_EQ(corpus_bleu(hypothesis, reference, options).score, 0);
}

TEST(Bleu, ASecondEmptyOrderHalvesAgain) {
  // 2 of 4, 0 of 3, 0 of 2, 0 of 1.
  const double product = 0.5 * (0.5 / 3) * (0.25 / 2) * 0.125;
  EXPECT_NEAR(sentence_bleu("a x b y", {"a z b w"}).score, 100 * std::pow(product, 0.25), 1e-9);
}

TEST(Bleu, ShortSentencesUseTheOrdersTheyHave) {
  EXPECT_NEAR(sentence_bleu("a b", {"a b"}).score, 100, 1e-9);
  EXPECT_EQ(corpus_bleu({"a b"}, {{"a b"}}).score, 0);
  EXPECT_EQ(sentence_bleu("a b", {"a b"}).signature, "nrefs:1|case:mixed|eff:yes|tok:13a|smooth:exp");
}

TEST(Bleu, TheClosestReferenceLengthCountsAndTheShorterOfEquals) {
  EXPECT_EQ(bleu_counts("a b c", {"a", "a b c d e"}).reference_length, 1);
  EXPECT_EQ(bleu_counts("a b c", {"a b c d e", "a"}).reference_length, 1);
  EXPECT_EQ(bleu_counts("a b c d", {"a", "a b c d e"}).reference_length, 5);
}

TEST(Bleu, MatchesAreClippedToTheMostOfAnyReference) {
  const BleuCounts counts = bleu_counts("the the the the", {"the cat", "the the dog"});
  EXPECT_EQ(counts.matches[0], 2);
  EXPECT_EQ(counts.totals[0], 4);
  EXPECT_EQ(counts.matches[1], 1);
}

TEST(Bleu, WithoutAMatchItIsZeroWhateverTheSmoothing) {
  EXPECT_EQ(corpus_bleu({"x y z w"}, {{"a b c d"}}).score, 0);
  EXPECT_EQ(sentence_bleu("", {"a"}).score, 0);
}

TEST(Bleu, PairedTestOfEqualSystems) {
  const std::vector<BleuCounts> sentences = {bleu_counts("a b c d e", {"a b c d e"}), bleu_counts("a c", {"a b"})};
  const Statistic statistic = bleu_statistic(sentences);
  EXPECT_EQ(paired_bootstrap(2, statistic, statistic).p, 1);
}

}  // namespace
}  // namespace espalier::test
