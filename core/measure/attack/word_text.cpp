#include "measure/attack/word_text.h"

#include <algorithm>

#include "text/unicode.h"

namespace espalier {
namespace {

bool joins_letters(char32_t code) { return code == '\'' || code == '-' || code == 0x2019; }

char upper_ascii(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

}  // namespace

std::string WordText::joined() const {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) text += gaps[i] + words[i];
  return text + gaps.back();
}

WordText split_words(std::string_view text) {
  WordText result;
  std::string gap, word;
  const auto end_word = [&] {
    if (word.empty()) return;
    result.gaps.push_back(std::move(gap));
    result.words.push_back(std::move(word));
    gap.clear();
    word.clear();
  };
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const char32_t code = next_code_point(text, at);
    const std::string_view bytes = text.substr(begin, at - begin);
    size_t behind = at;
    const bool joins =
        joins_letters(code) && !word.empty() && at < text.size() && is_word_char(next_code_point(text, behind));
    if (is_word_char(code) || joins) {
      word += bytes;
    } else {
      end_word();
      gap += bytes;
    }
  }
  end_word();
  result.gaps.push_back(std::move(gap));
  return result;
}

std::string in_case_of(std::string word, std::string_view model) {
  if (!word.empty() && !model.empty() && model.front() >= 'A' && model.front() <= 'Z') {
    word.front() = upper_ascii(word.front());
  }
  return word;
}

bool is_stop_word(std::string_view word) {
  // Sorted.
  static constexpr std::string_view kWords[] = {
      "a",         "about",   "above",  "across",   "after",   "again",     "against",    "all",      "almost",
      "along",     "already", "also",   "although", "always",  "am",        "among",      "an",       "and",
      "another",   "any",     "anyone", "anything", "are",     "aren't",    "around",     "as",       "at",
      "be",        "because", "been",   "before",   "behind",  "being",     "below",      "beside",   "between",
      "beyond",    "both",    "but",    "by",       "can",     "can't",     "cannot",     "could",    "couldn't",
      "d",         "despite", "did",    "didn't",   "do",      "does",      "doesn't",    "doing",    "don't",
      "down",      "during",  "each",   "either",   "else",    "ever",      "every",      "everyone", "everything",
      "few",       "for",     "from",   "had",      "hadn't",  "has",       "hasn't",     "have",     "haven't",
      "having",    "he",      "her",    "here",     "hers",    "herself",   "him",        "himself",  "his",
      "how",       "however", "i",      "if",       "in",      "inside",    "into",       "is",       "isn't",
      "it",        "it's",    "its",    "itself",   "just",    "least",     "less",       "ll",       "m",
      "many",      "may",     "me",     "might",    "mine",    "more",      "most",       "much",     "must",
      "my",        "myself",  "n't",    "neither",  "never",   "no",        "nobody",     "none",     "nor",
      "not",       "nothing", "now",    "of",       "off",     "on",        "once",       "one",      "only",
      "onto",      "or",      "other",  "others",   "our",     "ours",      "ourselves",  "out",      "over",
      "own",       "per",     "rather", "re",       "s",       "same",      "shall",      "she",      "should",
      "shouldn't", "since",   "so",     "some",     "someone", "something", "still",      "such",     "t",
      "than",      "that",    "the",    "their",    "theirs",  "them",      "themselves", "then",     "there",
      "these",     "they",    "this",   "those",    "though",  "through",   "to",         "too",      "toward",
      "towards",   "under",   "unless", "until",    "up",      "upon",      "us",         "ve",       "very",
      "was",       "wasn't",  "we",     "were",     "weren't", "what",      "when",       "where",    "whether",
      "which",     "while",   "who",    "whom",     "whose",   "why",       "will",       "with",     "within",
      "without",   "won't",   "would",  "wouldn't", "yet",     "you",       "your",       "yours",    "yourself",
      "yourselves"};
  static_assert(std::ranges::is_sorted(kWords));
  return std::ranges::binary_search(kWords, word);
}

}  // namespace espalier
