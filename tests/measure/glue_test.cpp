#include "measure/benchmarks/glue.h"

#include <fmt/format.h>

#include <cmath>
#include <fstream>

#include "base/json.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

namespace fs = std::filesystem;
using Texts = std::vector<std::string>;

const GlueColumn& column(const std::string& name) {
  return *std::ranges::find(glue_columns(), name, &GlueColumn::name);
}

TaskScore task(const std::string& name, const std::vector<double>& values) {
  TaskScore score = {name, {}, 10};
  for (const double value : values) score.metrics.emplace_back(fmt::format("m{}", score.metrics.size()), value);
  return score;
}

std::vector<TaskScore> all_tasks() {
  return {task("CoLA", {60}),    task("SST-2", {90}),  task("MRPC", {90, 86}), task("STS-B", {88, 86}),
          task("QQP", {70, 90}), task("MNLI-m", {84}), task("MNLI-mm", {82}),  task("QNLI", {91}),
          task("RTE", {70}),     task("WNLI", {65})};
}

TEST(Glue, TheScoreIsTheMeanOverNineTasks) {
  const BenchmarkTable table = glue_table(all_tasks());
  ASSERT_TRUE(table.score);
  EXPECT_NEAR(*table.score, (60 + 90 + 88 + 87 + 80 + 83 + 91 + 70 + 65) / 9.0, 1e-12);
}

TEST(Glue, TheDiagnosticSetCountsForNothing) {
  std::vector<TaskScore> tasks = all_tasks();
  tasks.push_back(task("AX", {5}));
  EXPECT_EQ(glue_table(tasks).score, glue_table(all_tasks()).score);
}

TEST(Glue, WithoutATaskThereIsNoScore) {
  std::vector<TaskScore> tasks = all_tasks();
  tasks.erase(tasks.begin() + 6);
  const BenchmarkTable table = glue_table(tasks);
  EXPECT_FALSE(table.score);
  EXPECT_EQ(table.missing, Texts{"MNLI-mm"});
  EXPECT_TRUE(to_json(table).at("score").is_null());
  tasks.push_back(task("RTE", {1}));
  EXPECT_EQ(expect_error([&] { glue_table(tasks); }).kind(), ErrorKind::InvalidInput);
}

TEST(Glue, MetricsOfEachKindOfColumn) {
  const Texts gold = {"1", "1", "0", "0"}, said = {"1", "0", "0", "0"}, labels = {"0", "1"};
  const TaskScore mrpc = score_glue_column(column("MRPC"), gold, said, labels);
  EXPECT_NEAR(mrpc.metrics[0].second, 100 * 2.0 / 3, 1e-9);
  EXPECT_NEAR(mrpc.metrics[1].second, 75, 1e-9);
  EXPECT_NEAR(mrpc.mean(), (200.0 / 3 + 75) / 2, 1e-9);
  EXPECT_NEAR(score_glue_column(column("CoLA"), gold, said, labels).mean(), 100 / std::sqrt(3.0), 1e-9);
  EXPECT_EQ(score_glue_column(column("CoLA"), gold, {"1", "1", "1", "1"}, labels).mean(), 0);
  const TaskScore stsb = score_glue_column(column("STS-B"), {"1", "2", "3"}, {"1.5", "2.5", "9"}, {});
  EXPECT_NEAR(stsb.metrics[1].second, 100, 1e-9);
  EXPECT_LT(stsb.metrics[0].second, 100);
}

TEST(Glue, AnUnknownLabelIsNamed) {
  const Error error = expect_error([] {
    score_glue_column(column("RTE"), {"entailment"}, {"yes"}, {"entailment", "not_entailment"});
  });
  EXPECT_NE(std::string(error.what()).find("yes"), std::string::npos);
  EXPECT_NE(std::string(error.what()).find("not_entailment"), std::string::npos);
}

void write(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

TEST(GlueFiles, AreReadAsTheyWereWritten) {
  const TempDir folder;
  const fs::path file = folder.path() / "MNLI-m.tsv";
  write_glue_predictions(file, {"neutral", "entailment"});
  std::ifstream in(file);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  EXPECT_EQ(bytes, "index\tprediction\n0\tneutral\n1\tentailment\n");
  EXPECT_EQ(read_glue_predictions(file), (Texts{"neutral", "entailment"}));
}

TEST(GlueFiles, IndicesMayBeInAnyOrderButNotMissing) {
  const TempDir folder;
  const fs::path file = folder.path() / "RTE.tsv";
  write(file, "index\tprediction\n1\tb\n0\ta\n");
  EXPECT_EQ(read_glue_predictions(file), (Texts{"a", "b"}));
  for (const char* text : {"index\tprediction\n1\tb\n", "index\tprediction\n0\tb\n0\tc\n", "0\ta\n", "",
                           "index\tprediction\n-1\ta\n", "index\tprediction\n0\n"}) {
    write(file, text);
    EXPECT_EQ(expect_error([&] { read_glue_predictions(file); }).kind(), ErrorKind::Format) << text;
  }
}

TEST(GlueFiles, ScoreAgainstTheLabelledData) {
  const TempDir folder;
  write(folder.path() / "gold/SST-2/dev.tsv", "sentence\tlabel\nfine film\t1\nbad film\t0\npoor\t0\n");
  write(folder.path() / "gold/SST-2/train.tsv", "sentence\tlabel\nfine film\t1\nbad film\t0\n");
  write_glue_predictions(folder.path() / "SST-2.tsv", {"1", "0", "1"});
  const BenchmarkTable table = score_glue({folder.path() / "SST-2.tsv"}, folder.path() / "gold");
  ASSERT_EQ(table.tasks.size(), 1u);
  EXPECT_NEAR(table.tasks[0].mean(), 200.0 / 3, 1e-9);
  EXPECT_FALSE(table.score);
  EXPECT_EQ(table.missing.size(), 9u);
  write_glue_predictions(folder.path() / "SST-2.tsv", {"1", "0"});
  EXPECT_EQ(expect_error([&] { score_glue({folder.path() / "SST-2.tsv"}, folder.path() / "gold"); }).kind(),
            ErrorKind::InvalidInput);
  const Error unknown = expect_error([&] { score_glue({folder.path() / "SST2.tsv"}, folder.path() / "gold"); });
  EXPECT_NE(std::string(unknown.what()).find("SST-2"), std::string::npos);
  EXPECT_EQ(expect_error([&] { score_glue({folder.path() / "RTE.tsv"}, folder.path() / "gold"); }).kind(),
            ErrorKind::Io);
}

}  // namespace
}  // namespace espalier::test
