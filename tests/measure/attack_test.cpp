#include "measure/attack/text_fooler.h"

#include <fmt/format.h>

#include <cmath>
#include <map>

#include "base/rng.h"
#include "measure/attack/word_text.h"
#include "tests/support/support.h"
#include "text/aligned_text.h"

namespace espalier::test {
namespace {

TEST(WordText, JoinsBackToTheSameBytes) {
  for (const std::string text : {"It's a well-made film, isn't it?", "  leading ", "", "...", "ends-", "'quoted'",
                                 "Straße 3.5 %", "bad \xFF byte"}) {
    EXPECT_EQ(split_words(text).joined(), text);
  }
  EXPECT_EQ(split_words("It's a well-made film - isn't it?").words,
            (std::vector<std::string>{"It's", "a", "well-made", "film", "isn't", "it"}));
}

TEST(WordText, StopWordsAreFunctionWords) {
  for (const char* word : {"the", "a", "not", "n't", "and", "was", "it's", "yourselves"}) {
    EXPECT_TRUE(is_stop_word(word)) << word;
  }
  for (const char* word : {"film", "good", "bad", "boring", ""}) EXPECT_FALSE(is_stop_word(word)) << word;
  EXPECT_EQ(in_case_of("film", "Movie"), "Film");
  EXPECT_EQ(in_case_of("film", "movie"), "film");
}

using Lists = std::map<std::string, std::vector<std::string>>;

// Candidates from a table.
class Table : public CandidateSource {
 public:
  explicit Table(Lists words) : words_(std::move(words)) {}
  std::string name() const override { return "table"; }
  std::string part_of_speech_source() const override { return "none"; }
  std::vector<std::string> candidates(const std::string& word, size_t limit) const override {
    const auto found = words_.find(word);
    if (found == words_.end()) return {};
    return {found->second.begin(),
            found->second.begin() + static_cast<std::ptrdiff_t>(std::min(limit, found->second.size()))};
  }

 private:
  Lists words_;
};

// A similarity that depends on the last word that differs.
class Similarity : public WindowSimilarity {
 public:
  explicit Similarity(std::map<std::string, double> cosines = {}) : cosines_(std::move(cosines)) {}
  std::string name() const override { return "table"; }
  double cosine(const std::vector<std::string>& a, const std::vector<std::string>& b) const override {
    last_window = b.size();
    for (size_t i = 0; i < a.size(); ++i) {
      const auto found = cosines_.find(b[i]);
      if (a[i] != b[i] && found != cosines_.end()) return found->second;
    }
    return 1;
  }
  mutable size_t last_window = 0;

 private:
  std::map<std::string, double> cosines_;
};

// Two labels; p(1) is the logistic of the sum of the weights of the words. Counts the texts that it answered.
class BagVictim {
 public:
  explicit BagVictim(std::map<std::string, double> weights) : weights_(std::move(weights)) {}
  double logit(const std::string& text) const {
    double sum = 0;
    for (const std::string& word : split_words(text).words) {
      const auto found = weights_.find(lower_cased(word));
      if (found != weights_.end()) sum += found->second;
    }
    return sum;
  }
  int32_t label(const std::string& text) const { return logit(text) > 0 ? 1 : 0; }
  Victim victim() {
    return [this](const std::vector<VictimText>& texts) {
      ++calls;
      std::vector<std::vector<double>> rows;
      for (const VictimText& one : texts) {
        const double p = 1 / (1 + std::exp(-logit(one.has_pair ? one.pair : one.text)));
        rows.push_back({1 - p, p});
        seen.push_back(one);
      }
      return rows;
    };
  }
  int calls = 0;
  std::vector<VictimText> seen;

 private:
  std::map<std::string, double> weights_;
};

TEST(TextFooler, AConstantClassifierTakesEveryQueryAndNeverFalls) {
  const Table table(Lists{{"film", {"movie", "picture"}}, {"good", {"fine", "great", "nice"}}, {"the", {"a"}}});
  int64_t queries = 0;
  const Victim constant = [&](const std::vector<VictimText>& texts) {
    queries += static_cast<int64_t>(texts.size());
    return std::vector<std::vector<double>>(texts.size(), {0.3, 0.7});
  };
  const AttackedExample attack = attack_text(constant, {"the film was good", "", false}, 1, table, Similarity());
  EXPECT_EQ(attack.outcome, AttackOutcome::Failed);
  // 1 + words + candidates of the words that are no stop words.
  EXPECT_EQ(attack.queries, 1 + 4 + 2 + 3);
  EXPECT_EQ(attack.queries, queries);
  EXPECT_TRUE(attack.changed.empty());
  EXPECT_EQ(attack.adversary.text, "the film was good");
}

TEST(TextFooler, FindsTheBestSingleSubstitutionOfALinearVictim) {
  // Only "great" -> "decent" turns the sign: 2 + 0.5 against 0.4 and -2.
  BagVictim bag({{"great", 2}, {"cast", 0.5}, {"decent", -0.6}, {"fine", 0.4}, {"troupe", 0.4}, {"crew", -0.1}});
  const Table table(Lists{{"great", {"fine", "decent"}}, {"cast", {"troupe", "crew"}}});
  const AttackedExample attack = attack_text(bag.victim(), {"A Great cast", "", false}, 1, table, Similarity());
  EXPECT_EQ(attack.outcome, AttackOutcome::Succeeded);
  EXPECT_EQ(attack.adversary.text, "A Decent cast");
  EXPECT_EQ(attack.changed, std::vector<size_t>{1});
  EXPECT_EQ(attack.predicted, 0);
  // The important word is tried first: 1 + 3 words + 2 candidates, in three calls.
  EXPECT_EQ(attack.queries, 6);
  EXPECT_EQ(bag.calls, 3);
}

TEST(TextFooler, TakesTheMostAlikeOfThoseThatFlip) {
  BagVictim bag({{"good", 1}, {"awful", -3}, {"poor", -1}, {"weak", -2}});
  const Table table(Lists{{"good", {"awful", "poor", "weak"}}});
  const auto run = [&](const std::map<std::string, double>& cosines) {
    return attack_text(bag.victim(), {"good film", "", false}, 1, table, Similarity(cosines)).adversary.text;
  };
  EXPECT_EQ(run({{"awful", 0.9}, {"poor", 0.8}, {"weak", 0.95}}), "weak film");
  EXPECT_EQ(run({{"awful", 0.9}, {"poor", 0.99}, {"weak", 0.95}}), "poor film");
}

TEST(TextFooler, UnlikeWindowsAreKeptOut) {
  BagVictim bag({{"good", 1}, {"awful", -3}});
  const Table table(Lists{{"good", {"awful"}}});
  const auto outcome = [&](double cosine, const std::string& text) {
    return attack_text(bag.victim(), {text, "", false}, 1, table, Similarity({{"awful", cosine}})).outcome;
  };
  // Short texts: 1 - angle of at least 0.1, angle at most 0.9 rad, whose cosine is 0.62161.
  EXPECT_EQ(outcome(0.6217, "good film"), AttackOutcome::Succeeded);
  EXPECT_EQ(outcome(0.6215, "good film"), AttackOutcome::Failed);
  // From 15 words on an angle of 0.5 rad, cosine 0.87758; 1 - 0.5 / pi is 0.840845057.
  const std::string long_text = "good x x x x x x x x x x x x x x";
  EXPECT_EQ(split_words(long_text).words.size(), 15u);
  EXPECT_EQ(outcome(0.8776, long_text), AttackOutcome::Succeeded);
  EXPECT_EQ(outcome(0.8775, long_text), AttackOutcome::Failed);
  EXPECT_NEAR(1 - std::acos(0.87758256) / M_PI, 0.840845057, 1e-8);
}

TEST(TextFooler, ComparesAWindowOfFifteenWords) {
  BagVictim bag({{"good", 1}, {"fine", 0.5}});
  const Table table(Lists{{"good", {"fine"}}});
  const Similarity similarity;
  for (const size_t before : {0u, 5u, 20u, 39u}) {
    std::string text;
    for (size_t i = 0; i < 40; ++i) text += i == before ? "good " : "x ";
    attack_text(bag.victim(), {text, "", false}, 1, table, similarity);
    EXPECT_EQ(similarity.last_window, 15u) << before;
  }
}

// Remembers what it was asked for, and has nothing.
class Recorder : public CandidateSource {
 public:
  explicit Recorder(std::vector<std::string>& asked) : asked_(asked) {}
  std::string name() const override { return "none"; }
  std::string part_of_speech_source() const override { return "none"; }
  std::vector<std::string> candidates(const std::string& word, size_t) const override {
    asked_.push_back(word);
    return {};
  }

 private:
  std::vector<std::string>& asked_;
};

TEST(TextFooler, AFlipToAnotherLabelAddsToTheImportance) {
  // Without "x" label 0 loses 0.20 and stays first; without "y" it loses 0.19, and label 2 gains 0.39 and is first.
  const Victim victim = [](const std::vector<VictimText>& texts) {
    std::vector<std::vector<double>> rows;
    for (const VictimText& one : texts) {
      if (one.text == "[UNK] y") {
        rows.push_back({0.40, 0.35, 0.25});
      } else if (one.text == "x [UNK]") {
        rows.push_back({0.41, 0.10, 0.49});
      } else {
        rows.push_back({0.60, 0.30, 0.10});
      }
    }
    return rows;
  };
  std::vector<std::string> asked;
  attack_text(victim, {"x y", "", false}, 0, Recorder(asked), Similarity());
  EXPECT_EQ(asked, (std::vector<std::string>{"y", "x"}));
}

TEST(TextFooler, APremiseStaysAsItIs) {
  BagVictim bag({{"good", 1}, {"awful", -3}});
  const Table table(Lists{{"good", {"awful"}}});
  const VictimText pair = {"a good premise", "a good guess", true};
  const AttackedExample attack = attack_text(bag.victim(), pair, 1, table, Similarity());
  EXPECT_EQ(attack.outcome, AttackOutcome::Succeeded);
  EXPECT_EQ(attack.adversary.pair, "a awful guess");
  for (const VictimText& one : bag.seen) EXPECT_EQ(one.text, "a good premise");
}

TEST(TextFooler, EveryAdversaryIsReallyMisclassifiedAndWithinItsLists) {
  Rng rng(6);
  std::map<std::string, double> weights;
  Lists lists;
  for (int i = 0; i < 60; ++i) {
    const std::string word = fmt::format("w{}", i);
    weights[word] = rng.normal();
    for (int k = 0; k < 4; ++k) {
      lists[word].push_back(fmt::format("{}x{}", word, k));
      weights[lists[word].back()] = weights[word] + 0.8 * rng.normal();
    }
  }
  lists["the"] = {"w1"};
  BagVictim bag(weights);
  std::vector<VictimText> texts;
  std::vector<int32_t> labels;
  for (int i = 0; i < 60; ++i) {
    std::string text = "the";
    for (uint64_t n = 3 + rng.below(8); n > 0; --n) text += fmt::format(" w{}", rng.below(60));
    texts.push_back({text, "", false});
    labels.push_back(rng.chance(0.9) ? bag.label(text) : 1 - bag.label(text));
  }
  JobContext context;
  const AttackReport report =
      attack_all(bag.victim(), texts, labels, Table(lists), Similarity(), AttackOptions(), context);
  EXPECT_GT(report.succeeded, 5);
  EXPECT_GT(report.failed, 2);
  EXPECT_GT(report.skipped, 0);
  EXPECT_LE(report.after_attack_accuracy.value, report.clean_accuracy.value);
  EXPECT_DOUBLE_EQ(report.after_attack_accuracy.value, static_cast<double>(report.failed) / 60);
  EXPECT_DOUBLE_EQ(report.success_rate.value,
                   static_cast<double>(report.succeeded) / static_cast<double>(report.succeeded + report.failed));
  for (size_t i = 0; i < texts.size(); ++i) {
    const AttackedExample& attack = report.attacks[i];
    if (attack.outcome == AttackOutcome::Skipped) {
      EXPECT_EQ(attack.queries, 1);
      EXPECT_NE(bag.label(texts[i].text), labels[i]);
      continue;
    }
    EXPECT_EQ(bag.label(texts[i].text), labels[i]);
    if (attack.outcome == AttackOutcome::Failed) continue;
    EXPECT_NE(bag.label(attack.adversary.text), labels[i]) << attack.adversary.text;
    const auto before = split_words(texts[i].text).words, after = split_words(attack.adversary.text).words;
    ASSERT_EQ(before.size(), after.size());
    for (size_t w = 0; w < before.size(); ++w) {
      const bool is_changed = std::ranges::find(attack.changed, w) != attack.changed.end();
      EXPECT_EQ(before[w] != after[w], is_changed);
      if (!is_changed) continue;
      EXPECT_FALSE(is_stop_word(before[w]));
      EXPECT_NE(std::ranges::find(lists[before[w]], after[w]), lists[before[w]].end());
    }
  }
  const AttackReport again =
      attack_all(bag.victim(), texts, labels, Table(lists), Similarity(), AttackOptions(), context);
  for (size_t i = 0; i < texts.size(); ++i)
    EXPECT_EQ(report.attacks[i].adversary.text, again.attacks[i].adversary.text);
}

TEST(TextFooler, StopsWhenAsked) {
  BagVictim bag({});
  JobContext context;
  const auto cancel_after_two = [&](size_t index, const AttackedExample&) {
    if (index == 1) context.cancel.cancel();
  };
  const std::vector<VictimText> texts(5, {"word", "", false});
  EXPECT_THROW(
      attack_all(bag.victim(), texts, {0, 0, 0, 0, 0}, Table(Lists{}), Similarity(), {}, context, cancel_after_two),
      Cancelled);
  EXPECT_EQ(bag.seen.size(), 2u * 2);
}

TEST(TextFooler, ATextWithoutWordsCostsOneQuery) {
  BagVictim bag({});
  EXPECT_EQ(attack_text(bag.victim(), {"...", "", false}, 0, Table(Lists{}), Similarity()).queries, 1);
  EXPECT_EQ(expect_error([&] {
              attack_text(bag.victim(), {"x", "", false}, 7, Table(Lists{}), Similarity());
            }).kind(),
            ErrorKind::InvalidInput);
}

}  // namespace
}  // namespace espalier::test
