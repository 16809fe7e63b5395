// Every kind of task as a user meets it: trained and measured on the command line.

#include <fstream>

#include "base/json.h"
#include "tests/cli/command.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using test::espalier;

void write_tags(const fs::path& file) {
  std::ofstream out(file);
  for (int i = 0; i < 8; ++i) out << "the O\nfilm B-WORK\nwas O\ngood O\n\n";
}

TEST(Tasks, TagsAreLearntAndMeasured) {
  ESPALIER_REQUIRE_LAB_MODEL();
  test::TempDir temp;
  write_tags(temp.path() / "train.txt");
  write_tags(temp.path() / "dev.txt");
  const std::string data = temp.path().string(), tuned = (temp.path() / "tuned").string();
  const auto trained = espalier({"train", "--model", "lab", "--task", data, "--output", tuned, "--max-steps", "4",
                                 "--batch-size", "4", "--learning-rate", "1e-3"});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_NE(trained.out.find("best span F1"), std::string::npos) << trained.out;
  const std::string said = (temp.path() / "said.conll").string();
  const auto table = espalier({"eval", "--model", tuned, "--task", data, "--no-latency", "--predictions", said});
  ASSERT_EQ(table.exit_code, 0) << table.err;
  EXPECT_NE(table.out.find("F1 of spans"), std::string::npos) << table.out;
  EXPECT_NE(table.out.find("8 examples of \"dev\""), std::string::npos) << table.out;
  std::string line;
  std::ifstream file(said);
  std::getline(file, line);
  EXPECT_TRUE(line.starts_with("the\t")) << line;
  const Json row = espalier({"eval", "--model", tuned, "--task", data, "--no-latency", "--json"}).json();
  EXPECT_EQ(row["metric"], "span_f1");
  EXPECT_EQ(row["task_kind"], "token classification");
}

TEST(Tasks, HelpNamesKindsAndLengths) {
  const auto help = espalier({"train", "--help"});
  for (const char* word : {"question answering", "--block-length", "--max-source-length", "--label-smoothing",
                           "inverse_sqrt", "--teacher", "--kind"}) {
    EXPECT_NE(help.out.find(word), std::string::npos) << word;
  }
  const auto eval = espalier({"eval", "--help"});
  for (const char* word : {"--beams", "--null-threshold", "--stride", "SQuAD"}) {
    EXPECT_NE(eval.out.find(word), std::string::npos) << word;
  }
}

TEST(Tasks, AHeadThatDoesNotFitAndNumbersOutOfRangeAreBadInput) {
  ESPALIER_REQUIRE_LAB_MODEL();
  test::TempDir temp;
  std::ofstream(temp.path() / "train.de") << "ein Haus\n";
  std::ofstream(temp.path() / "train.en") << "a house\n";
  const auto eval = espalier({"eval", "--model", "lab", "--task", temp.path().string()});
  EXPECT_EQ(eval.exit_code, 2);
  EXPECT_NE(eval.err.find("translation"), std::string::npos) << eval.err;
  const auto train =
      espalier({"train", "--model", "lab", "--task", temp.path().string(), "--output", (temp.path() / "x").string()});
  EXPECT_EQ(train.exit_code, 2);
  EXPECT_NE(train.err.find("decoder"), std::string::npos) << train.err;
  EXPECT_EQ(espalier({"train", "--model", "lab", "--task", "lab", "--output", "x", "--schedule", "sine"}).exit_code, 2);
  EXPECT_EQ(espalier({"eval", "--model", "lab", "--task", "lab", "--beams", "-1"}).exit_code, 2);
}

}  // namespace
}  // namespace espalier
