#include "introspect/word_scores.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>

namespace espalier {
namespace {

// The word number of every code point of the text: evidence spans first, then runs of word characters; -1 for space.
std::vector<int32_t> words_by_code_point(const Example& example) {
  enum class Kind { Space, Punctuation, Word };
  std::vector<Kind> kinds;
  for (const char byte : example.text) {
    const auto value = static_cast<unsigned char>(byte);
    if ((value & 0xC0U) == 0x80U) continue;  // the rest of a code point
    if (value <= ' ') {
      kinds.push_back(Kind::Space);
    } else if (value < 0x80U && std::ispunct(value) != 0) {
      kinds.push_back(Kind::Punctuation);
    } else {
      kinds.push_back(Kind::Word);
    }
  }
  const auto length = static_cast<int32_t>(kinds.size());
  std::vector<int32_t> word(kinds.size(), -1);
  int32_t count = 0;
  for (const auto& [begin, end] : example.evidence) {
    for (int32_t i = std::max(0, begin); i < std::min(end, length); ++i) word[static_cast<size_t>(i)] = count;
    ++count;
  }
  bool running = false;  // the code point before belongs to the same run of word characters
  for (size_t i = 0; i < kinds.size(); ++i) {
    if (word[i] >= 0 || kinds[i] == Kind::Space) {
      running = false;
      continue;
    }
    if (!running || kinds[i] == Kind::Punctuation) ++count;
    word[i] = count - 1;
    running = kinds[i] == Kind::Word;
  }
  return word;
}

}  // namespace

std::vector<WordScore> score_words(const Example& example, const Encoding& encoding,
                                   const std::vector<double>& scores) {
  const std::vector<int32_t> word_of = words_by_code_point(example);
  const auto known_words = static_cast<int32_t>(example.evidence.size());
  std::map<int32_t, WordScore> words;
  for (size_t token = 0; token < encoding.size(); ++token) {
    if (encoding.special[token] || encoding.type_ids[token] != 0) continue;
    const auto begin = static_cast<size_t>(encoding.offsets[token].first);
    if (begin >= word_of.size() || word_of[begin] < 0) continue;
    WordScore& word = words[word_of[begin]];
    word.score += scores[token];
    word.known = word_of[begin] < known_words;
  }
  std::vector<WordScore> result;
  for (const auto& [number, word] : words) result.push_back(word);
  return result;
}

std::optional<WordAgreement> agreement_of(const std::vector<WordScore>& words) {
  const auto is_known = [](const WordScore& word) { return word.known; };
  const auto known = static_cast<double>(std::count_if(words.begin(), words.end(), is_known));
  const double others = static_cast<double>(words.size()) - known;
  if (known == 0 || others == 0) return std::nullopt;
  WordAgreement agreement;
  agreement.chance = known / static_cast<double>(words.size());
  for (const WordScore& word : words) {
    if (!word.known) continue;
    double larger = 0;  // of all words
    double equal = 0;   // itself counted
    double beaten = 0;  // of the others, ties half
    for (const WordScore& rival : words) {
      const double difference = std::abs(rival.score) - std::abs(word.score);
      if (difference > 0) ++larger;
      if (difference == 0) ++equal;
      if (!rival.known) beaten += difference < 0 ? 1.0 : (difference == 0 ? 0.5 : 0.0);
    }
    agreement.auc += beaten / (known * others);
    agreement.precision_at_k += std::clamp((known - larger) / equal, 0.0, 1.0) / known;
  }
  return agreement;
}

}  // namespace espalier
