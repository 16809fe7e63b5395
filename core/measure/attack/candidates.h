#pragma once
#include <string>
#include <vector>

namespace espalier {

// Words that may stand for a word. Words are in lower case.
class CandidateSource {
 public:
  virtual ~CandidateSource() = default;
  // What it is, for the conditions of a result: "WordNet synonyms".
  virtual std::string name() const = 0;
  // Where parts of speech come from: "WordNet", or "none".
  virtual std::string part_of_speech_source() const = 0;
  // At most `limit`, best first, never the word itself; empty for a word that it does not know.
  virtual std::vector<std::string> candidates(const std::string& word, size_t limit) const = 0;
};

// How alike two windows of words are.
class WindowSimilarity {
 public:
  virtual ~WindowSimilarity() = default;
  virtual std::string name() const = 0;
  // Cosine, -1..1.
  virtual double cosine(const std::vector<std::string>& a, const std::vector<std::string>& b) const = 0;
};

}  // namespace espalier
