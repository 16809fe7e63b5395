#include "measure/benchmarks/superglue.h"

#include <fmt/format.h>

#include <cmath>
#include <fstream>

#include "base/json.h"
#include "measure/benchmarks/squad.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

namespace fs = std::filesystem;

class Files {
 public:
  fs::path write(const std::string& name, const std::string& text) const {
    const fs::path file = folder_.path() / name;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
    return file;
  }
  const fs::path& folder() const { return folder_.path(); }

 private:
  TempDir folder_;
};

double metric(const TaskScore& score, const std::string& name) {
  for (const auto& [key, value] : score.metrics) {
    if (key == name) return value;
  }
  return -1;
}

TEST(SuperGlue, TheScoreAveragesPairsFirstAndLeavesDiagnosticsOut) {
  std::vector<TaskScore> tasks = {{"BoolQ", {{"accuracy", 80}}, 1},
                                  {"CB", {{"accuracy", 90}, {"f1", 80}}, 1},
                                  {"COPA", {{"accuracy", 70}}, 1},
                                  {"MultiRC", {{"f1a", 70}, {"exact", 30}}, 1},
                                  {"ReCoRD", {{"f1", 72}, {"exact", 70}}, 1},
                                  {"RTE", {{"accuracy", 71}}, 1},
                                  {"WiC", {{"accuracy", 69}}, 1},
                                  {"WSC", {{"accuracy", 64}}, 1},
                                  {"AX-b", {{"matthews", 3}}, 1}};
  ASSERT_TRUE(superglue_table(tasks).score);
  EXPECT_NEAR(*superglue_table(tasks).score, (80 + 85 + 70 + 50 + 71 + 71 + 69 + 64) / 8.0, 1e-12);
  tasks.erase(tasks.begin());
  EXPECT_FALSE(superglue_table(tasks).score);
}

TEST(SuperGlue, TruthValuesAndTextsAreOneLabel) {
  const Files files;
  const fs::path gold = files.write("gold.jsonl", "{\"idx\":0,\"label\":true}\n{\"idx\":1,\"label\":false}\n");
  const fs::path said = files.write("BoolQ.jsonl", "{\"idx\":1,\"label\":\"true\"}\n{\"idx\":0,\"label\":true}\n");
  EXPECT_EQ(metric(score_superglue_task(said, gold), "accuracy"), 50);
}

TEST(SuperGlue, CbHasMacroF1OverThreeLabels) {
  const Files files;
  const fs::path gold = files.write("gold.jsonl",
                                    "{\"idx\":0,\"label\":\"entailment\"}\n{\"idx\":1,\"label\":\"entailment\"}\n"
                                    "{\"idx\":2,\"label\":\"contradiction\"}\n{\"idx\":3,\"label\":\"neutral\"}\n");
  const fs::path said = files.write("CB.jsonl",
                                    "{\"idx\":0,\"label\":\"entailment\"}\n{\"idx\":1,\"label\":\"contradiction\"}\n"
                                    "{\"idx\":2,\"label\":\"contradiction\"}\n{\"idx\":3,\"label\":\"entailment\"}\n");
  const TaskScore score = score_superglue_task(said, gold);
  EXPECT_EQ(metric(score, "accuracy"), 50);
  // entailment 2 / 4, contradiction 2 / 3, neutral 0.
  EXPECT_NEAR(metric(score, "f1"), 100 * (0.5 + 2.0 / 3 + 0) / 3, 1e-9);
}

TEST(SuperGlue, MultiRcPoolsOptions) {
  const auto line = [](const char* first, const char* second) {
    return std::string(R"({"idx":5,"passage":{"questions":[{"idx":0,"answers":[)") + first +
           R"(]},{"idx":1,"answers":[)" + second + "]}]}}\n";
  };
  const Files files;
  const fs::path gold = files.write(
      "gold.jsonl", line(R"({"idx":0,"label":1},{"idx":1,"label":0})",
                         R"({"idx":2,"label":1},{"idx":3,"label":1},{"idx":4,"label":1},{"idx":5,"label":0})"));
  const fs::path said = files.write(
      "MultiRC.jsonl", line(R"({"idx":0,"label":1},{"idx":1,"label":0})",
                            R"({"idx":2,"label":1},{"idx":3,"label":0},{"idx":4,"label":0},{"idx":5,"label":1})"));
  const TaskScore score = score_superglue_task(said, gold);
  EXPECT_NEAR(metric(score, "f1a"), 100 * 4.0 / 7, 1e-9);
  EXPECT_EQ(metric(score, "exact"), 50);
  const fs::path half =
      files.write("half/MultiRC.jsonl", R"({"idx":5,"passage":{"questions":[{"idx":0,"answers":[]}]}})");
  EXPECT_EQ(expect_error([&] { score_superglue_task(half, gold); }).kind(), ErrorKind::InvalidInput);
}

TEST(SuperGlue, RecordTakesTheBestGoldEntity) {
  const Files files;
  const fs::path gold = files.write(
      "gold.jsonl", R"({"idx":0,"passage":{"text":"t","entities":[]},"qas":[)"
                    R"({"idx":10,"query":"@placeholder won","answers":[{"text":"The U.S. Navy"},{"text":"Navy"}]},)"
                    R"({"idx":11,"query":"@placeholder lost","answers":[{"text":"John Smith"}]}]})");
  const fs::path said =
      files.write("ReCoRD.jsonl", "{\"idx\":10,\"label\":\"us navy\"}\n{\"idx\":11,\"label\":\"John\"}\n");
  const TaskScore score = score_superglue_task(said, gold);
  EXPECT_EQ(score.examples, 2);
  EXPECT_EQ(metric(score, "exact"), 50);
  EXPECT_NEAR(metric(score, "f1"), 100 * (1 + 2.0 / 3) / 2, 1e-9);
}

TEST(SuperGlue, GenderParityComparesPairs) {
  const Files files;
  std::string gold, said;
  const char* answers[] = {"entailment", "entailment", "entailment", "not_entailment"};
  for (int i = 0; i < 4; ++i) {
    gold += fmt::format("{{\"idx\":{},\"pair_id\":{},\"label\":\"entailment\"}}\n", i, i / 2);
    said += fmt::format("{{\"idx\":{},\"label\":\"{}\"}}\n", i, answers[i]);
  }
  const TaskScore score = score_superglue_task(files.write("AX-g.jsonl", said), files.write("gold.jsonl", gold));
  EXPECT_EQ(metric(score, "accuracy"), 75);
  EXPECT_EQ(metric(score, "gender_parity"), 50);
}

TEST(SuperGlue, FilesThatDoNotMatchAreNamed) {
  const Files files;
  files.write("gold/RTE/val.jsonl", "{\"idx\":0,\"label\":\"entailment\"}\n");
  const auto message = [&](const std::string& name, const std::string& text) {
    const fs::path said = files.write(name, text);
    return std::string(expect_error([&] { score_superglue({said}, files.folder() / "gold"); }).what());
  };
  EXPECT_NE(message("RTE.jsonl", "{\"idx\":3,\"label\":\"entailment\"}").find("idx 0"), std::string::npos);
  EXPECT_NE(message("RTE.jsonl", "{\"idx\":0,\"label\":\"maybe\"}").find("maybe"), std::string::npos);
  EXPECT_NE(message("RTE.jsonl", "{\"idx\":0}").find("line 1"), std::string::npos);
  EXPECT_NE(message("RTE.jsonl", "{\"idx\":0,\"label\":1.5}").find("1.5"), std::string::npos);
  EXPECT_NE(message("XYZ.jsonl", "").find("BoolQ"), std::string::npos);
}

TEST(SuperGlue, PredictionsAreOneObjectALine) {
  const Files files;
  write_superglue_predictions(files.folder() / "WiC.jsonl", {{0, "true"}, {7, "false"}});
  std::ifstream in(files.folder() / "WiC.jsonl");
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  EXPECT_EQ(bytes, "{\"idx\":0,\"label\":\"true\"}\n{\"idx\":7,\"label\":\"false\"}\n");
}

TEST(SquadFiles, AnswersOfBothVersions) {
  const Files files;
  const fs::path gold = files.write(
      "dev.json",
      R"({"version":"v2.0","data":[{"title":"t","paragraphs":[{"context":"Die Straße is long. It rains.","qas":[)"
      R"({"id":"a","question":"?","answers":[{"text":"long","answer_start":14}]},)"
      R"({"id":"b","question":"?","answers":[{"text":"rains","answer_start":0}]},)"
      R"({"id":"c","question":"?","answers":[{"text":"x","answer_start":0}],"is_impossible":true}]}]}]})");
  const SquadGold read = read_squad_gold(gold);
  ASSERT_EQ(read.questions.size(), 3u);
  EXPECT_EQ(read.questions[0].answers, std::vector<std::string>{"long"});
  EXPECT_TRUE(read.questions[2].answers.empty());
  EXPECT_EQ(read.misplaced_answers, 1);  // "rains" does not stand at 0
  const fs::path said = files.write("p.json", R"({"a":"the long","b":"rain","c":""})");
  const fs::path scores = files.write("n.json", R"({"a":0.1,"b":0.2,"c":0.9})");
  const SquadQuality quality = squad_quality(read.questions, read_squad_predictions(said, scores));
  EXPECT_NEAR(quality.exact.value, 2.0 / 3, 1e-12);
  EXPECT_EQ(read_squad_predictions(said, scores).at("c").no_answer_score, 0.9);
  EXPECT_EQ(expect_error([&] { read_squad_predictions(files.write("l.json", "[1]")); }).kind(), ErrorKind::Format);
  EXPECT_EQ(expect_error([&] { read_squad_gold(files.write("e.json", R"({"data":[]})")); }).kind(),
            ErrorKind::InvalidInput);
}

}  // namespace
}  // namespace espalier::test
