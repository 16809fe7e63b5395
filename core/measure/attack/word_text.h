#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

// A text as words and what stands between them, so that a word can be exchanged and nothing else changes. A word is a
// run of word characters, with single apostrophes and hyphens inside: "don't", "well-made".
struct WordText {
  std::vector<std::string> words;
  std::vector<std::string> gaps;  // words.size() + 1: before the first word, between, behind the last

  std::string joined() const;
};
WordText split_words(std::string_view text);

// `word` with its first letter in upper case if that of `model` is so (ASCII letters).
std::string in_case_of(std::string word, std::string_view model);

// Function words, which an attack leaves alone: articles, pronouns, prepositions, conjunctions, auxiliaries, negations,
// and what contractions leave over. `word` in lower case.
bool is_stop_word(std::string_view word);

}  // namespace espalier
