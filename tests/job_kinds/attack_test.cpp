#include <fstream>

#include "measure/benchmarks/glue.h"
#include "tests/job_kinds/tiny_task.h"

namespace espalier::test {
namespace {

namespace fs = std::filesystem;

Json settings_of(const TinyWorld& world) {
  return {{"model", world.model().string()}, {"task", world.task().string()}, {"max_examples", 30}};
}

TEST(Attack, AddsUpAndStatesItsConditions) {
  const TinyWorld world;
  Json settings = settings_of(world);
  settings["candidates"] = "embeddings";
  const Outcome outcome = run_job_here("attack", settings);
  ASSERT_EQ(outcome.last.kind, JobEventKind::Done) << outcome.last.error.message;
  const Json& answer = outcome.last.result;
  EXPECT_EQ(answer.at("examples"), 30);
  EXPECT_EQ(answer.at("skipped").get<int>() + answer.at("failed").get<int>() + answer.at("succeeded").get<int>(), 30);
  EXPECT_LE(answer.at("after_attack_accuracy").get<double>(), answer.at("clean_accuracy").get<double>());
  EXPECT_EQ(answer.at("adversaries").size(), answer.at("succeeded").get<size_t>());
  EXPECT_EQ(outcome.results.size(), answer.at("succeeded").get<size_t>());
  EXPECT_NE(answer.at("candidates").get<std::string>().find("embeddings"), std::string::npos);
  EXPECT_TRUE(answer.contains("part_of_speech"));
  EXPECT_GT(answer.at("mean_queries").get<double>(), 1);

  const Json clean = answer_of(
      "evaluate",
      {{"model", world.model().string()}, {"task", world.task().string()}, {"max_examples", 30}, {"latency", false}});
  EXPECT_DOUBLE_EQ(answer.at("clean_accuracy").get<double>(), clean.at("accuracy").get<double>());
  Json again = answer_of("attack", settings);
  EXPECT_EQ(again.at("adversaries"), answer.at("adversaries"));
}

TEST(Attack, StopsAtTheExampleWhereItIsCancelled) {
  const TinyWorld world;
  const auto cancel_at_once = [](const JobEvent& event, JobRunner& runner) {
    if (event.kind == JobEventKind::Progress && event.progress.stage == "attacking") runner.cancel(event.job);
  };
  Json settings = settings_of(world);
  settings["candidates"] = "embeddings";
  EXPECT_EQ(run_job_here("attack", settings, {}, cancel_at_once).last.kind, JobEventKind::Cancelled);
}

TEST(Attack, BadSettingsAreNamed) {
  const TinyWorld world;
  const auto message = [&](const char* key, const char* value) {
    Json settings = settings_of(world);
    settings[key] = value;
    const JobEvent last = run_job_here("attack", settings).last;
    EXPECT_EQ(last.kind, JobEventKind::Failed);
    return last.error.message;
  };
  EXPECT_NE(message("candidates", "thesaurus").find("thesaurus"), std::string::npos);
  EXPECT_NE(message("wordnet", "/no/wordnet").find("/no/wordnet"), std::string::npos);
}

TEST(Evaluate, EnergyHasASourceAndARegion) {
  const TinyWorld world;
  Json settings = settings_of(world);
  settings["region"] = "fr";
  settings["tdp_watts"] = 40;
  const Json row = answer_of("evaluate", settings);
  EXPECT_GE(row.at("energy_j").get<double>(), 0);
  EXPECT_TRUE(row.at("energy_source") == "rapl" || row.at("energy_source") == "estimated");
  EXPECT_EQ(row.at("co2_region"), "fr");
  EXPECT_NEAR(row.at("co2_ug").get<double>(),
              row.at("energy_j").get<double>() / 3.6e6 * row.at("co2_g_per_kwh").get<double>() * 1e6, 1e-9);
  settings["g_per_kwh"] = 100;
  EXPECT_EQ(answer_of("evaluate", settings).at("co2_g_per_kwh"), 100);
  settings["g_per_kwh"] = -5;
  EXPECT_EQ(run_job_here("evaluate", settings).last.error.kind, ErrorKind::InvalidInput);
}

TEST(Evaluate, AShiftedSetOfTheSameDataHasNoDrop) {
  const TinyWorld world;
  Json settings = settings_of(world);
  settings["max_examples"] = 0;
  settings["latency"] = false;
  settings["shifted_split"] = "dev";
  settings["baseline"] = world.model().string();
  const Json row = answer_of("evaluate", settings);
  EXPECT_EQ(row.at("shifted_accuracy"), row.at("accuracy"));
  EXPECT_EQ(row.at("accuracy_drop"), 0);
  EXPECT_EQ(row.at("baseline_accuracy_drop"), 0);
  EXPECT_FALSE(row.contains("relative_gap"));
  EXPECT_EQ(row.at("fidelity_kl"), 0);
  EXPECT_EQ(row.at("mcc_p"), 1);
  settings["shifted_split"] = "train";
  const Json other = answer_of("evaluate", settings);
  EXPECT_NEAR(other.at("accuracy_drop").get<double>(),
              other.at("accuracy").get<double>() - other.at("shifted_accuracy").get<double>(), 1e-12);
}

TEST(Evaluate, PredictionsScoreToTheSameAccuracy) {
  const TinyWorld world;
  const fs::path gold = world.folder() / "gold";
  fs::create_directories(gold);
  fs::copy(world.task(), gold / "SST-2", fs::copy_options::recursive);
  Json settings = settings_of(world);
  settings["task"] = (gold / "SST-2").string();
  settings["max_examples"] = 0;
  settings["latency"] = false;
  settings["predictions"] = (world.folder() / "SST-2.tsv").string();
  const Json row = answer_of("evaluate", settings);
  const BenchmarkTable table = score_glue({world.folder() / "SST-2.tsv"}, gold);
  EXPECT_NEAR(table.tasks.at(0).mean(), 100 * row.at("accuracy").get<double>(), 1e-9);
  settings["predictions"] = (world.folder() / "SST-2.csv").string();
  EXPECT_EQ(run_job_here("evaluate", settings).last.error.kind, ErrorKind::InvalidInput);
}

}  // namespace
}  // namespace espalier::test
