#pragma once
// WordNet 3.x (Miller 1995) from its database files: index.POS and data.POS, POS in noun, verb, adj, adv, and the
// exceptions POS.exc. Files are mapped and searched, nothing is read ahead.

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/atomic_file.h"
#include "measure/attack/candidates.h"

namespace espalier {

// A set of parts of speech.
enum PartOfSpeech : unsigned { kNoun = 1, kVerb = 2, kAdjective = 4, kAdverb = 8 };

class WordNet {
 public:
  // Throws Io naming the folder or the file that is missing.
  explicit WordNet(const std::filesystem::path& folder);

  // Where the database is: $WNSEARCHDIR, else /usr/share/wordnet; nothing when it is not there.
  static std::optional<std::filesystem::path> installed_folder();

  // The parts of speech that a word or its base form is listed under; 0: not listed.
  unsigned parts_of_speech(const std::string& word) const;
  // Single words of the synsets of the word or its base forms, most frequent sense first, in base form and lower case.
  std::vector<std::string> synonyms(const std::string& word) const;

 private:
  struct Part {
    MappedFile index, data, exceptions;
  };
  std::vector<std::string> base_forms(size_t part, const std::string& word) const;

  std::array<Part, 4> parts_;
};

// Two words may stand for each other: a part of speech in common, where noun and verb count as one. Words that are both
// not listed may too.
bool same_part_of_speech(unsigned a, unsigned b);

class WordNetCandidates : public CandidateSource {
 public:
  explicit WordNetCandidates(const WordNet& wordnet) : wordnet_(wordnet) {}
  std::string name() const override { return "WordNet synonyms"; }
  std::string part_of_speech_source() const override { return "WordNet"; }
  std::vector<std::string> candidates(const std::string& word, size_t limit) const override;

 private:
  const WordNet& wordnet_;
};

}  // namespace espalier
