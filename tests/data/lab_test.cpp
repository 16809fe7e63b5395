#include "data/lab.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "data/lab_words.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

const std::vector<std::string> kSplits = {"train", "dev", "test", "shifted"};

const Task& noisy_lab() {
  static const Task kTask = make_lab_task();
  return kTask;
}

const Task& clean_lab() {
  static const Task kTask = [] {
    LabOptions options;
    options.label_noise = 0;
    return make_lab_task(options);
  }();
  return kTask;
}

bool starts_with_any(const std::string& text, const std::vector<std::string>& beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(), [&](const auto& b) { return text.starts_with(b); });
}

// Reads a review by the rules that the lab promises, from the text alone: a second way to the label.
class Reader {
 public:
  Reader() {
    for (const lab::Domain& domain : lab::domains()) add(domain.adjectives);
    for (const auto* words : {&lab::adjectives(), &lab::effect_verbs(), &lab::manner_adverbs()}) add(*words);
    for (const lab::OpinionVerb& verb : lab::feeling_verbs()) scores_[verb.past] = scores_[verb.base] = verb.score;
    for (const lab::Intensifier& word : lab::intensifiers()) factors_[word.word] = word.factor;
    for (const std::string& source : lab::sources()) others_.push_back(source);
  }

  double score(const std::string& review) const {
    double sum = 0;
    size_t begin = 0;
    for (size_t end = review.find('.'); end != std::string::npos; end = review.find('.', begin)) {
      sum += sentence_score(review.substr(begin, end - begin));
      begin = end + 2 < review.size() ? end + 2 : review.size();
    }
    return sum;
  }
  bool is_opinion(const std::string& word) const { return scores_.contains(word); }

 private:
  void add(const std::vector<lab::OpinionWord>& words) {
    for (const lab::OpinionWord& word : words) scores_[word.word] = word.score;
  }

  double sentence_score(std::string text) const {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    if (text.find('"') != std::string::npos || starts_with_any(text, others_)) return 0;
    for (const char* turn : {", but ", ", yet ", "; however, "}) {
      if (const size_t at = text.find(turn); at != std::string::npos) text = text.substr(at + 2);
    }
    for (const char* turn : {", although ", ", even though "}) text = text.substr(0, text.find(turn));
    if (starts_with_any(text, {"although ", "even though ", "despite "})) text = text.substr(text.find(", "));

    static const std::set<std::string> kNegators = {"not", "never",  "hardly",  "cannot", "nobody", "doubt",
                                                    "no",  "wasn't", "weren't", "didn't", "far",    "anything"};
    double sum = 0;
    int negators = 0;
    double plain_sum = 0;
    double factor = 1;
    std::string word;
    for (const char c : text + " ") {
      if (std::isalpha(static_cast<unsigned char>(c)) || c == '\'') {
        word.push_back(c);
        continue;
      }
      if (word.empty()) continue;
      if (kNegators.contains(word)) ++negators;
      if (const auto found = scores_.find(word); found != scores_.end()) {
        sum += found->second * factor;
        plain_sum += found->second;
      }
      factor = factors_.contains(word) ? factors_.at(word) : 1;
      word.clear();
    }
    if (sum == 0 && plain_sum == 0) return 0;
    return negators == 0 ? sum : negators % 2 == 1 ? -plain_sum : plain_sum;
  }

  std::map<std::string, double> scores_;
  std::map<std::string, double> factors_;
  std::vector<std::string> others_ = {"my ", "according to ", "i had expected ", "i had been told "};
};

TEST(Lab, EveryLabelFollowsFromTheWords) {
  const Reader reader;
  for (const std::string& split : kSplits) {
    for (const Example& example : clean_lab().load(split, {}).examples) {
      const double score = reader.score(example.text);
      ASSERT_GT(std::abs(score), 0.4) << example.text;
      ASSERT_EQ(example.label, score > 0 ? 1 : 0) << score << " " << example.text;
    }
  }
}

TEST(Lab, ThreeInAHundredLabelsAreTurnedAround) {
  const Reader reader;
  for (const std::string& split : kSplits) {
    const Dataset data = noisy_lab().load(split, {});
    const auto wrong = std::count_if(data.examples.begin(), data.examples.end(), [&](const Example& example) {
      return example.label != (reader.score(example.text) > 0 ? 1 : 0);
    });
    const double share = static_cast<double>(wrong) / static_cast<double>(data.examples.size());
    EXPECT_GT(share, 0.018) << split;
    EXPECT_LT(share, 0.042) << split;
  }
}

TEST(Lab, EvidenceIsWholeWordsThatMeanSomething) {
  const Reader reader;
  static const std::set<std::string> kOthers = {
      "not",    "never",   "hardly", "cannot", "nobody", "doubt",   "no",       "far from",    "anything but",
      "wasn't", "weren't", "didn't", "but",    "yet",    "however", "although", "even though", "despite"};
  std::set<std::string> intensifiers;
  for (const lab::Intensifier& word : lab::intensifiers()) intensifiers.insert(word.word);
  for (const std::string& split : kSplits) {
    for (const Example& example : noisy_lab().load(split, {}).examples) {
      ASSERT_FALSE(example.evidence.empty());
      bool opinion = false;
      int32_t previous = 0;
      for (const auto& [begin, end] : example.evidence) {
        ASSERT_LE(previous, begin) << example.text;
        ASSERT_LT(begin, end);
        ASSERT_LE(end, static_cast<int32_t>(example.text.size()));
        previous = end;
        std::string word = example.text.substr(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
        word[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(word[0])));
        ASSERT_TRUE(begin == 0 || example.text[static_cast<size_t>(begin) - 1] == ' ')
            << word << " in " << example.text;
        const char after = example.text[static_cast<size_t>(end)];
        ASSERT_TRUE(after == ' ' || after == '.' || after == ',' || after == ';') << word << " in " << example.text;
        const bool is_opinion = reader.is_opinion(word);
        opinion = opinion || is_opinion;
        ASSERT_TRUE(is_opinion || kOthers.contains(word) || intensifiers.contains(word)) << word;
      }
      ASSERT_TRUE(opinion) << example.text;
    }
  }
}

// Without its deciding opinion words a review no longer supports its label as it did.
TEST(Lab, EvidenceDecides) {
  const Reader reader;
  for (const Example& example : clean_lab().load("dev", {}).examples) {
    std::string rest = example.text;
    for (const auto& [begin, end] : example.evidence) {
      const auto at = static_cast<size_t>(begin);
      const auto length = static_cast<size_t>(end - begin);
      if (reader.is_opinion(rest.substr(at, length))) rest.replace(at, length, length, '_');
    }
    const double sign = example.label == 1 ? 1 : -1;
    EXPECT_LE(sign * reader.score(rest), 0) << example.text << "\n" << rest;
  }
}

TEST(Lab, ClassesAreBalanced) {
  for (const std::string& split : kSplits) {
    const Dataset data = noisy_lab().load(split, {});
    const auto positive =
        std::count_if(data.examples.begin(), data.examples.end(), [](const auto& e) { return e.label == 1; });
    EXPECT_NEAR(static_cast<double>(positive) / static_cast<double>(data.examples.size()), 0.5, 0.02) << split;
  }
}

TEST(Lab, SizesAndNames) {
  const Task& task = noisy_lab();
  EXPECT_EQ(task.name, "lab");
  EXPECT_EQ(task.splits, kSplits);
  EXPECT_EQ(task.labels, (std::vector<std::string>{"negative", "positive"}));
  EXPECT_EQ(task.load("train", {}).examples.size(), 24000u);
  EXPECT_EQ(task.load("shifted", {}).examples.size(), 1500u);
  EXPECT_FALSE(task.generator.empty());
  EXPECT_EQ(test::expect_error([&] { task.load("validation-of-nothing", {}); }).kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(open_task("lab").generator, task.generator);
}

TEST(Lab, SplitsShareNoText) {
  std::set<std::string> seen;
  size_t count = 0;
  for (const std::string& split : kSplits) {
    for (const Example& example : noisy_lab().load(split, {}).examples) {
      seen.insert(example.text);
      ++count;
    }
  }
  EXPECT_EQ(seen.size(), count);
}

double mean_of(const std::string& split, double (*measure)(const std::string&)) {
  double sum = 0;
  const Dataset data = noisy_lab().load(split, {});
  for (const Example& example : data.examples) sum += measure(example.text);
  return sum / static_cast<double>(data.examples.size());
}

double has_contrast(const std::string& text) {
  for (const char* word : {" but ", " yet ", "however", "although", "though", "espite "}) {
    if (text.find(word) != std::string::npos) return 1;
  }
  return 0;
}

double has_long_negation(const std::string& text) {
  for (const char* word : {"cannot", "obody", "doubt", "not true", "not say", "never claim", "no reason"}) {
    if (text.find(word) != std::string::npos) return 1;
  }
  return 0;
}

TEST(Lab, ShiftedIsLongerAndHarder) {
  const auto length = [](const std::string& text) { return static_cast<double>(text.size()); };
  EXPECT_GT(mean_of("shifted", length), 1.25 * mean_of("dev", length));
  EXPECT_GT(mean_of("shifted", has_contrast), mean_of("dev", has_contrast) + 0.15);
  EXPECT_GT(mean_of("shifted", has_long_negation), 2 * mean_of("dev", has_long_negation));
  EXPECT_NEAR(mean_of("test", length), mean_of("dev", length), 8);
}

TEST(Lab, NeutralClausesSayNothing) {
  const Reader reader;
  for (const lab::Domain& domain : lab::domains()) {
    for (const std::string& clause : domain.neutral) EXPECT_EQ(reader.score(clause + "."), 0) << clause;
    for (const std::string& frame : domain.title_frames) EXPECT_EQ(reader.score(frame + "."), 0) << frame;
    for (const lab::Noun& noun : domain.aspects) EXPECT_FALSE(reader.is_opinion(noun.word)) << noun.word;
  }
  for (const std::string& clause : lab::general_neutral()) EXPECT_EQ(reader.score(clause + "."), 0) << clause;
}

uint64_t fingerprint(const Task& task) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  const auto mix = [&hash](const std::string& bytes) {
    for (const char byte : bytes) hash = (hash ^ static_cast<uint8_t>(byte)) * 0x100000001b3ULL;
  };
  for (const std::string& split : kSplits) {
    for (const Example& example : task.load(split, {}).examples) {
      mix(example.text + "\t" + std::to_string(example.label));
      for (const auto& [begin, end] : example.evidence) mix(std::to_string(begin) + "-" + std::to_string(end) + ";");
    }
  }
  return hash;
}

TEST(Lab, TheSameBytesForever) {
  EXPECT_EQ(fingerprint(noisy_lab()), fingerprint(make_lab_task()));
  // Changing the lab changes every figure measured on it: raise its generator number and train its model again.
  EXPECT_EQ(fingerprint(noisy_lab()), 2593000826536137586ULL);
  LabOptions other;
  other.seed = 1;
  EXPECT_NE(fingerprint(make_lab_task(other)), fingerprint(noisy_lab()));
}

TEST(LabTokenizer, EveryWordOfTheLabIsOneToken) {
  const auto tokenizer = load_tokenizer(lab_tokenizer_files(), "lab");
  EXPECT_LE(tokenizer->vocab_size(), 4000);
  const TokenId unknown = tokenizer->id("[UNK]");
  int64_t longest = 0;
  for (const std::string& split : kSplits) {
    for (const Example& example : noisy_lab().load(split, {}).examples) {
      const Encoding encoding = tokenizer->encode(example.text);
      longest = std::max(longest, static_cast<int64_t>(encoding.size()));
      for (const TokenId id : encoding.ids) {
        ASSERT_NE(id, unknown) << example.text;
        ASSERT_FALSE(tokenizer->token(id).starts_with("##")) << tokenizer->token(id) << " in " << example.text;
      }
    }
  }
  EXPECT_LE(longest, 128);
}

TEST(LabTokenizer, TypedEnglishHasNoUnknowns) {
  const auto tokenizer = load_tokenizer(lab_tokenizer_files(), "lab");
  const TokenId unknown = tokenizer->id("[UNK]");
  const std::string text =
      "Honestly? The quick brown fox jumps over 13 lazy dogs & wasn't amused: 5/10, @home #meh (zzyzx)!";
  size_t pieces = 0;
  for (const TokenId id : tokenizer->encode(text).ids) {
    EXPECT_NE(id, unknown);
    pieces += tokenizer->token(id).starts_with("##");
  }
  EXPECT_LT(pieces, 30u);
}

}  // namespace
}  // namespace espalier
