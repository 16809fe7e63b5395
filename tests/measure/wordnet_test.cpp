#include "measure/attack/wordnet.h"

#include <fmt/format.h>

#include <fstream>

#include "tests/support/support.h"

namespace espalier::test {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

// A database in WordNet's layout: synsets by part, and which words they are listed under.
class Database {
 public:
  Database() {
    // Index lines must be sorted; a synset's place is its byte.
    const std::string notice = "  1 a notice stands first\n";
    const std::string film = "00000000 06 n 03 film 0 motion_picture 0 Movie 0 000 | a thing that is shown\n";
    const std::string sheet = "00000000 06 n 02 film 1 foil 0 000 | a thin sheet\n";
    const auto film_at = notice.size(), sheet_at = film_at + film.size();
    part("noun",
         notice + fmt::format("film n 2 1 @ 2 1 {:08} {:08}  \n", film_at, sheet_at) +
             fmt::format("foil n 1 0 1 0 {:08}  \n", sheet_at) + fmt::format("mouse n 1 0 1 0 {:08}  \n", sheet_at) +
             fmt::format("movie n 1 0 1 0 {:08}  \n", film_at),
         notice + film + sheet);
    const std::string shoot = "00000000 36 v 02 film 0 shoot 4 000 01 + 08 00 | make a film\n";
    part("verb",
         notice + fmt::format("film v 1 0 1 0 {:08}  \n", notice.size()) +
             fmt::format("shoot v 1 0 1 0 {:08}  \n", notice.size()),
         notice + shoot);
    const std::string big = "00000000 00 a 02 big 0 galore(ip) 0 000 | of size\n";
    part("adj",
         notice + fmt::format("big a 1 0 1 0 {:08}  \n", notice.size()) +
             fmt::format("galore a 1 0 1 0 {:08}  \n", notice.size()),
         notice + big);
    part("adv", notice, notice);
    std::ofstream(folder() / "noun.exc") << "aardwolves aardwolf\nmice mouse\n";
  }
  const fs::path& folder() const { return folder_.path(); }

 private:
  void part(const std::string& name, const std::string& index, const std::string& data) {
    std::ofstream(folder() / ("index." + name)) << index;
    std::ofstream(folder() / ("data." + name)) << data;
  }
  TempDir folder_;
};

TEST(WordNet, SynonymsBySense) {
  const Database database;
  const WordNet wordnet(database.folder());
  // Nouns first, by sense, then verbs; no words of two parts, lower case, not the word itself.
  EXPECT_EQ(wordnet.synonyms("film"), (Words{"movie", "foil", "shoot"}));
  EXPECT_EQ(wordnet.synonyms("big"), Words{"galore"});
  EXPECT_EQ(wordnet.synonyms("unheard"), Words{});
  EXPECT_EQ(wordnet.synonyms(""), Words{});
}

TEST(WordNet, InflectedWordsAreFoundByTheirBaseForm) {
  const Database database;
  const WordNet wordnet(database.folder());
  EXPECT_EQ(wordnet.synonyms("films"), (Words{"movie", "foil", "shoot"}));
  EXPECT_EQ(wordnet.parts_of_speech("filming"), kVerb);
  EXPECT_EQ(wordnet.parts_of_speech("films"), kNoun | kVerb);
  EXPECT_EQ(wordnet.parts_of_speech("mice"), kNoun);
  EXPECT_EQ(wordnet.parts_of_speech("aardwolves"), 0u);  // its base form is not listed
  EXPECT_EQ(wordnet.parts_of_speech("big"), kAdjective);
  EXPECT_EQ(wordnet.parts_of_speech("zzz"), 0u);
}

TEST(WordNet, NounAndVerbMayStandForEachOther) {
  EXPECT_TRUE(same_part_of_speech(kNoun, kVerb));
  EXPECT_TRUE(same_part_of_speech(kNoun | kAdjective, kAdjective));
  EXPECT_FALSE(same_part_of_speech(kNoun, kAdjective));
  EXPECT_FALSE(same_part_of_speech(0, kNoun));
  EXPECT_TRUE(same_part_of_speech(0, 0));
}

TEST(WordNet, CandidatesStopAtTheLimit) {
  const Database database;
  const WordNet wordnet(database.folder());
  const WordNetCandidates candidates(wordnet);
  EXPECT_EQ(candidates.candidates("film", 50), (Words{"movie", "foil", "shoot"}));
  EXPECT_EQ(candidates.candidates("film", 2), (Words{"movie", "foil"}));
}

TEST(WordNet, ADamagedDatabaseIsRefused) {
  for (const std::string line :
       {"film n 1 0 1 0 99999999  \n", "film n x 0 1 0 00000000  \n", "film n 1 999999999 1 0 00000000  \n", "film\n",
        "film n 1 0 1 0 -1  \n", "film n 2 0 1 0 00000000  \n"}) {
    const Database database;
    std::ofstream(database.folder() / "index.noun") << line;
    const WordNet wordnet(database.folder());
    EXPECT_EQ(expect_error([&] { wordnet.synonyms("film"); }).kind(), ErrorKind::Format) << line;
  }
  for (const std::string line : {"", "00000000 06 n zz film 0 000 |\n", "00000000 06 n ff film 0 000 |\n", "x\n"}) {
    const Database database;
    std::ofstream(database.folder() / "index.noun") << "film n 1 0 1 0 00000000  \n";
    std::ofstream(database.folder() / "data.noun") << line;
    const WordNet wordnet(database.folder());
    EXPECT_EQ(expect_error([&] { wordnet.synonyms("film"); }).kind(), ErrorKind::Format) << line;
  }
  const TempDir empty;
  EXPECT_EQ(expect_error([&] { WordNet{empty.path()}; }).kind(), ErrorKind::Io);
}

TEST(WordNet, TheInstalledDatabaseHasKnownSynonyms) {
  const auto folder = WordNet::installed_folder();
  if (!folder) GTEST_SKIP() << "needs WordNet: Debian package wordnet-base, or $WNSEARCHDIR";
  const WordNet wordnet(*folder);
  const Words film = wordnet.synonyms("movie");
  EXPECT_NE(std::ranges::find(film, "film"), film.end());
  EXPECT_EQ(wordnet.synonyms("movies").front(), wordnet.synonyms("movie").front());
  EXPECT_EQ(wordnet.parts_of_speech("went"), kVerb);
  EXPECT_NE(wordnet.parts_of_speech("good") & kAdjective, 0u);
  EXPECT_EQ(wordnet.parts_of_speech("beautifully"), kAdverb);
}

}  // namespace
}  // namespace espalier::test
