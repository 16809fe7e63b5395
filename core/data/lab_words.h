#pragma once
// The words of the lab and what they mean. Generator, vocabulary and tests read the same tables.

#include <string>
#include <vector>

namespace espalier::lab {

enum class Frequency { Common, Domain, Rare };

// A word that carries an opinion. score: sign is its polarity, magnitude its strength (1 mild, 2 strong).
struct OpinionWord {
  std::string word;
  double score = 1;
  Frequency frequency = Frequency::Common;
};

// A verb of liking or disliking: "loved", "love".
struct OpinionVerb {
  std::string past;
  std::string base;
  double score = 1;
  Frequency frequency = Frequency::Common;
};

// How much a word before an opinion word changes its strength.
struct Intensifier {
  std::string word;
  double factor = 1;  // 0.5 weak, 1.5 strong, 2 extreme
};

struct Noun {
  std::string word;
  bool plural = false;
};

// What can be reviewed.
struct Domain {
  std::string thing;                      // "film"
  std::vector<std::string> things;        // other names of it
  std::vector<Noun> aspects;              // what opinions are about
  std::vector<OpinionWord> adjectives;    // said of this domain only
  std::vector<std::string> actions;       // "the cast performed", before an adverb of manner
  std::vector<std::string> neutral;       // whole clauses without opinion
  std::vector<std::string> titles;        // names in quotes that hold opinion words
  std::vector<std::string> title_frames;  // "we had booked a room at %"; % stands for the quoted title
};

const std::vector<Domain>& domains();
const std::vector<OpinionWord>& adjectives();      // of every domain
const std::vector<OpinionVerb>& feeling_verbs();   // "I loved the plot"
const std::vector<OpinionWord>& effect_verbs();    // "the plot bored me"
const std::vector<OpinionWord>& manner_adverbs();  // "the cast performed brilliantly"
const std::vector<Intensifier>& intensifiers();
const std::vector<std::string>& persons();          // "my sister": opinions of others do not count
const std::vector<std::string>& sources();          // "the critics"
const std::vector<std::string>& general_neutral();  // clauses that fit every domain
// Words outside the lab that people type, for the vocabulary.
const std::vector<std::string>& everyday_words();
// Ends and insides of words ("ing"), for the vocabulary.
const std::vector<std::string>& word_pieces();

}  // namespace espalier::lab
