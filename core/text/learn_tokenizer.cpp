#include "text/learn_tokenizer.h"

#include <algorithm>
#include <array>
#include <optional>
#include <queue>
#include <set>
#include <unordered_map>

#include "base/error.h"
#include "base/json.h"
#include "text/byte_level.h"
#include "text/component_json.h"
#include "text/unicode.h"

namespace espalier {
namespace {

constexpr std::array<const char*, 5> kSpecial = {"<pad>", "<s>", "</s>", "<unk>", "<mask>"};
constexpr int kBegin = 1;
constexpr int kEnd = 2;
constexpr int64_t kBytes = 256;
constexpr const char* kWhere = "learnt tokenizer";

Json special_item(int token, int type) { return {{"SpecialToken", {{"id", kSpecial.at(token)}, {"type_id", type}}}}; }
Json text_item(const char* text, int type) { return {{"Sequence", {{"id", text}, {"type_id", type}}}}; }

// <s> A </s>, and <s> A </s> B </s> with B and its end of type 1.
Json template_json(bool begin_token) {
  Json single = Json::array();
  if (begin_token) single.push_back(special_item(kBegin, 0));
  single.push_back(text_item("A", 0));
  single.push_back(special_item(kEnd, 0));
  Json pair = single;
  pair.push_back(text_item("B", 1));
  pair.push_back(special_item(kEnd, 1));
  Json used = Json::object();
  for (const int token : {kBegin, kEnd}) {
    const std::string name = kSpecial.at(token);
    used[name] = {{"id", name}, {"ids", {token}}, {"tokens", {name}}};
  }
  return {{"type", "TemplateProcessing"}, {"single", single}, {"pair", pair}, {"special_tokens", used}};
}

struct CountedWord {
  std::string text;
  int64_t count = 0;
};

// --- Byte pair encoding ---------------------------------------------------------------------------------------------

using Pair = std::pair<int32_t, int32_t>;

struct PairHash {
  size_t operator()(const Pair& pair) const {
    return std::hash<uint64_t>()((static_cast<uint64_t>(static_cast<uint32_t>(pair.first)) << 32) |
                                 static_cast<uint32_t>(pair.second));
  }
};

// Learns merges one by one. Counts of pairs are kept as words change; the queue holds counts that may be out of date,
// which are seen when they come up.
class MergeLearner {
 public:
  explicit MergeLearner(const std::map<std::string, int64_t, std::less<>>& counts) {
    std::unordered_map<char32_t, int32_t> symbol_of;
    for (int64_t byte = 0; byte < kBytes; ++byte) {
      const char32_t code = stand_in(static_cast<uint8_t>(byte));
      symbol_of[code] = static_cast<int32_t>(byte);
      std::string token;
      append_utf8(token, code);
      tokens_.push_back(std::move(token));
    }
    for (const auto& [text, count] : counts) {
      std::vector<int32_t> symbols;
      int32_t ignored = 0;
      for (const AlignedChar& one : aligned_text(text, ignored)) symbols.push_back(symbol_of.at(one.code));
      words_.push_back({std::move(symbols), count});
      count_pairs(static_cast<int32_t>(words_.size()) - 1, count);
    }
    for (const auto& [pair, count] : pairs_) queue_.push({count, pair});
  }

  const std::vector<std::string>& tokens() const { return tokens_; }

  // The next merge, as the texts of its halves; empty when no pair occurs `min_count` times.
  std::optional<std::pair<std::string, std::string>> next(int64_t min_count) {
    while (!queue_.empty()) {
      const Candidate best = queue_.top();
      queue_.pop();
      const auto found = pairs_.find(best.pair);
      const int64_t count = found == pairs_.end() ? 0 : found->second;
      if (count != best.count) {
        if (count > 0) queue_.push({count, best.pair});
        continue;
      }
      if (count < min_count) return std::nullopt;
      std::pair<std::string, std::string> halves = {text(best.pair.first), text(best.pair.second)};
      merge(best.pair, token_of(halves.first + halves.second));
      return halves;
    }
    return std::nullopt;
  }

 private:
  struct Word {
    std::vector<int32_t> symbols;
    int64_t count = 0;
  };
  struct Candidate {
    int64_t count = 0;
    Pair pair;
  };
  struct Worse {
    const MergeLearner* learner;
    bool operator()(const Candidate& a, const Candidate& b) const {
      if (a.count != b.count) return a.count < b.count;
      if (a.pair.first != b.pair.first) return learner->text(a.pair.first) > learner->text(b.pair.first);
      return learner->text(a.pair.second) > learner->text(b.pair.second);
    }
  };

  const std::string& text(int32_t symbol) const { return tokens_[static_cast<size_t>(symbol)]; }

  // Two ways to put a token together (a + bc, ab + c) give one token.
  int32_t token_of(std::string text) {
    const auto [place, fresh] = made_.emplace(std::move(text), static_cast<int32_t>(tokens_.size()));
    if (fresh) tokens_.push_back(place->first);
    return place->second;
  }

  void count_pairs(int32_t word, int64_t count) {
    const std::vector<int32_t>& symbols = words_[static_cast<size_t>(word)].symbols;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      const Pair pair = {symbols[i], symbols[i + 1]};
      int64_t& total = pairs_[pair];
      total += count;
      if (count > 0) where_[pair].insert(word);
      touched_.insert(pair);
    }
  }

  void merge(const Pair& pair, int32_t token) {
    touched_.clear();
    const std::set<int32_t> words = std::move(where_[pair]);
    where_.erase(pair);
    for (const int32_t number : words) {
      Word& word = words_[static_cast<size_t>(number)];
      count_pairs(number, -word.count);
      std::vector<int32_t> merged;
      merged.reserve(word.symbols.size());
      for (size_t i = 0; i < word.symbols.size(); ++i) {
        const bool here =
            i + 1 < word.symbols.size() && word.symbols[i] == pair.first && word.symbols[i + 1] == pair.second;
        merged.push_back(here ? token : word.symbols[i]);
        if (here) ++i;
      }
      word.symbols = std::move(merged);
      count_pairs(number, word.count);
    }
    for (const Pair& one : touched_) {
      const auto found = pairs_.find(one);
      if (found->second > 0) {
        queue_.push({found->second, one});
      } else {
        pairs_.erase(found);
        where_.erase(one);
      }
    }
  }

  std::vector<std::string> tokens_;  // by symbol
  std::unordered_map<std::string, int32_t> made_;
  std::vector<Word> words_;
  std::unordered_map<Pair, int64_t, PairHash> pairs_;
  std::unordered_map<Pair, std::set<int32_t>, PairHash> where_;  // words that hold, or once held, a pair
  std::set<Pair> touched_;
  std::priority_queue<Candidate, std::vector<Candidate>, Worse> queue_{Worse{this}};
};

Json bpe_json(const std::map<std::string, int64_t, std::less<>>& counts, const LearnTokenizerOptions& options,
              const CancelToken& cancel) {
  MergeLearner learner(counts);
  Json merges = Json::array();
  while (static_cast<int64_t>(kSpecial.size() + learner.tokens().size()) < options.size) {
    cancel.throw_if_cancelled();
    const auto merge = learner.next(options.min_count);
    if (!merge) break;
    merges.push_back({merge->first, merge->second});
  }
  Json vocabulary = Json::object();
  size_t id = kSpecial.size();
  for (const std::string& token : learner.tokens()) vocabulary[token] = id++;
  return {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", merges}};
}

// --- Words ----------------------------------------------------------------------------------------------------------

Json words_json(const std::map<std::string, int64_t, std::less<>>& counts, const LearnTokenizerOptions& options) {
  std::vector<CountedWord> words;
  for (const auto& [text, count] : counts) {
    if (count >= options.min_count) words.push_back({text, count});
  }
  // Stable: words of one count stay in the order of the map.
  std::ranges::stable_sort(words, std::ranges::greater(), &CountedWord::count);
  const auto room = static_cast<size_t>(options.size) - kSpecial.size();
  if (words.size() > room) words.resize(room);
  Json vocabulary = Json::object();
  size_t id = 0;
  for (const char* token : kSpecial) vocabulary[token] = id++;
  for (const CountedWord& word : words) vocabulary[word.text] = id++;
  return {{"type", "WordPiece"}, {"vocab", vocabulary}, {"unk_token", kSpecial[3]}};
}

}  // namespace

VocabularyKind vocabulary_kind_from(std::string_view name) {
  if (name == "bpe") return VocabularyKind::Bpe;
  if (name == "words") return VocabularyKind::Words;
  throw Error(ErrorKind::InvalidInput, {.what = "unknown kind of vocabulary",
                                        .where = kWhere,
                                        .got = std::string(name),
                                        .wanted = "bpe or words",
                                        .next = {}});
}

TokenizerLearner::TokenizerLearner(const LearnTokenizerOptions& options) : options_(options) {
  const int64_t least = static_cast<int64_t>(kSpecial.size()) + (options.kind == VocabularyKind::Bpe ? kBytes : 0) + 1;
  if (options.size < least) {
    throw Error(ErrorKind::InvalidInput, {.what = "the vocabulary has no room for a learnt token",
                                          .where = kWhere,
                                          .got = std::to_string(options.size) + " tokens",
                                          .wanted = "at least " + std::to_string(least),
                                          .next = {}});
  }
  const Json json = description();
  normalizer_ = normalizer_from_json(json_member(json, "normalizer"), kWhere);
  pre_tokenizer_ = pre_tokenizer_from_json(json_member(json, "pre_tokenizer"), kWhere);
}

// Everything but the model.
Json TokenizerLearner::description() const {
  Json added = Json::array();
  for (size_t i = 0; i < kSpecial.size(); ++i) {
    added.push_back({{"id", i},
                     {"content", kSpecial.at(i)},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  }
  Json json = {{"version", "1.0"}, {"added_tokens", added}, {"post_processor", template_json(options_.begin_token)}};
  if (options_.kind == VocabularyKind::Words) {
    json["normalizer"] = {{"type", "BertNormalizer"},
                          {"clean_text", true},
                          {"handle_chinese_chars", true},
                          {"strip_accents", false},
                          {"lowercase", options_.lower_case}};
    json["pre_tokenizer"] = {{"type", "BertPreTokenizer"}};
    json["decoder"] = {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}};
  } else {
    if (options_.lower_case) json["normalizer"] = {{"type", "Lowercase"}};
    const Json bytes = {{"type", "ByteLevel"},
                        {"add_prefix_space", options_.prefix_space},
                        {"trim_offsets", true},
                        {"use_regex", true}};
    json["pre_tokenizer"] = bytes;
    json["decoder"] = bytes;
  }
  return json;
}

void TokenizerLearner::add(std::string_view text) {
  int32_t ignored = 0;
  SplitText split;
  split.chars = aligned_text(text, ignored);
  if (split.chars.empty()) return;
  const GrowthLimit limit(split.chars.size());
  if (normalizer_ != nullptr) normalizer_->apply(split.chars, limit);
  if (split.chars.empty()) return;
  split.words = {{0, split.chars.size()}};
  pre_tokenizer_->apply(split, limit);
  for (const Range& word : split.words) {
    ++counts_[to_utf8(std::span(split.chars).subspan(word.begin, word.end - word.begin))];
  }
}

std::vector<TokenizerFile> TokenizerLearner::learn(const CancelToken& cancel) const {
  if (counts_.empty()) {
    throw Error(ErrorKind::InvalidInput, {.what = "there is no text to learn a vocabulary from",
                                          .where = kWhere,
                                          .got = "0 words",
                                          .wanted = "at least one",
                                          .next = "Check the training split of the task."});
  }
  Json json = description();
  json["model"] =
      options_.kind == VocabularyKind::Bpe ? bpe_json(counts_, options_, cancel) : words_json(counts_, options_);
  return {{"tokenizer.json", std::make_shared<const std::string>(json.dump(1) + "\n")}};
}

}  // namespace espalier
