#include <signal.h>
#include <unistd.h>

#include <fstream>

#include "tests/job_kinds/tiny_task.h"
#include "workspace/workspace.h"

namespace espalier::test {
namespace {

namespace fs = std::filesystem;

Json recipe_of(const TinyWorld& world, const Json& steps) {
  return {{"name", "tiny"},
          {"model", world.model().string()},
          {"task", world.task().string()},
          {"seed", 3},
          {"steps", steps}};
}

Json three_steps() {
  return Json::array({{{"method", "prune.heads"}, {"settings", {{"fraction", 0.25}, {"epochs", 0}}}},
                      {{"method", "prune.neurons"}, {"settings", {{"fraction", 0.25}, {"epochs", 3}}}},
                      {{"method", "quantize.q8"}}});
}

Json settings_of(const TinyWorld& world, const Json& steps) {
  return {{"recipe", recipe_of(world, steps)}, {"workspace", world.workspace().string()}};
}

std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(RunRecipe, EveryStepIsARowAndIsKept) {
  const TinyWorld world;
  const Outcome outcome = run_job_here("run_recipe", settings_of(world, three_steps()));
  ASSERT_EQ(outcome.last.kind, JobEventKind::Done) << outcome.last.error.message;
  const Json& rows = outcome.last.result.at("rows");
  ASSERT_EQ(rows.size(), 4u);
  ASSERT_EQ(outcome.results.size(), 5u);
  EXPECT_EQ(outcome.results[0].at("kind"), "run");
  for (size_t i = 0; i < rows.size(); ++i) {
    const Json& row = rows[i];
    EXPECT_EQ(outcome.results[i + 1].at("kind"), "row");
    EXPECT_EQ(outcome.results[i + 1].at("index"), i);
    EXPECT_EQ(outcome.results[i + 1].at("row"), row);
    EXPECT_EQ(row.at("step"), i);
    EXPECT_FALSE(row.at("cached").get<bool>());
    EXPECT_EQ(row.at("examples"), 80);
    EXPECT_EQ(row.at("split"), "dev");
    EXPECT_LE(row.at("accuracy_low"), row.at("accuracy"));
    EXPECT_GE(row.at("accuracy_high"), row.at("accuracy"));
    EXPECT_EQ(row.at("bundle_bytes"), bundle_bytes(row.at("bundle").get<std::string>()));
    EXPECT_EQ(row.at("parameters"), num_parameters(open_model(row.at("bundle").get<std::string>())));
    EXPECT_GT(row.at("latency_ms_p50"), 0);
    EXPECT_EQ(row.at("latency_threads"), 1);
    EXPECT_EQ(row.at("latency_length"), 128);
    EXPECT_EQ(row.contains("mcnemar_p"), i > 0);
    EXPECT_EQ(row.contains("label_loyalty"), i > 0);
    EXPECT_EQ(row.contains("speedup"), i > 0);
    EXPECT_EQ(row.at("parent"), i == 0 ? Json("") : rows[i - 1].at("hash"));
  }
  EXPECT_EQ(rows[0].at("method"), "");
  EXPECT_EQ(rows[3].at("methods"), (Json{"prune.heads", "prune.neurons", "quantize.q8"}));
  EXPECT_LT(rows[1].at("macs"), rows[0].at("macs"));
  EXPECT_LT(rows[2].at("macs"), rows[1].at("macs"));
  EXPECT_EQ(rows[3].at("macs"), rows[2].at("macs"));
  EXPECT_LT(rows[3].at("bundle_bytes"), rows[2].at("bundle_bytes"));
  EXPECT_EQ(open_model(rows[3].at("bundle").get<std::string>()).provenance->at("steps").size(), 3u);

  const Workspace workspace(world.workspace());
  const auto run = workspace.run(outcome.last.result.at("run"));
  ASSERT_TRUE(run);
  EXPECT_EQ(run->state, "done");
  ASSERT_EQ(run->steps.size(), 4u);
  for (const std::string& hash : run->steps) EXPECT_TRUE(workspace.find_step(hash));
}

TEST(RunRecipe, TheSameBeginningIsNotComputedTwice) {
  const TinyWorld world;
  const Json first = answer_of("run_recipe", settings_of(world, three_steps()));
  const Json again = answer_of("run_recipe", settings_of(world, three_steps()));
  EXPECT_NE(first.at("run"), again.at("run"));
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_TRUE(again.at("rows")[i].at("cached").get<bool>()) << i;
    for (const char* member : {"hash", "accuracy", "bundle_bytes", "report", "parameters"}) {
      EXPECT_EQ(again.at("rows")[i].at(member), first.at("rows")[i].at(member)) << member;
    }
  }
  Json other = three_steps();
  other[2] = {{"method", "factorize.svd"}};
  const Json branched = answer_of("run_recipe", settings_of(world, other));
  EXPECT_TRUE(branched.at("rows")[2].at("cached").get<bool>());
  EXPECT_FALSE(branched.at("rows")[3].at("cached").get<bool>());
  // A default that is written out is the same step; a switched-off step is none.
  Json spelled = three_steps();
  spelled[2]["settings"] = {{"bits", 8}};
  const Json switched_off = {{"method", "factorize.svd"}, {"enabled", false}};
  spelled.insert(spelled.begin(), switched_off);
  EXPECT_TRUE(answer_of("run_recipe", settings_of(world, spelled)).at("rows")[3].at("cached").get<bool>());
  Json seeded = settings_of(world, three_steps());
  seeded["recipe"]["seed"] = 4;
  EXPECT_FALSE(answer_of("run_recipe", seeded).at("rows")[1].at("cached").get<bool>());
  Json fresh = settings_of(world, three_steps());
  fresh["no_cache"] = true;
  const Json recomputed = answer_of("run_recipe", fresh);
  EXPECT_FALSE(recomputed.at("rows")[3].at("cached").get<bool>());
  EXPECT_EQ(recomputed.at("rows")[3].at("accuracy"), first.at("rows")[3].at("accuracy"));
}

TEST(RunRecipe, ChangedDataIsOtherWork) {
  const TinyWorld world;
  const Json steps = Json::array({{{"method", "quantize.q8"}}});
  const Json first = answer_of("run_recipe", settings_of(world, steps));
  write_split(world.task() / "dev.tsv", 70, 9);
  const Json second = answer_of("run_recipe", settings_of(world, steps));
  EXPECT_FALSE(second.at("rows")[0].at("cached").get<bool>());
  EXPECT_EQ(second.at("rows")[1].at("examples"), 70);
}

TEST(RunRecipe, OnlyWhatIsAskedForIsMeasured) {
  const TinyWorld world;
  Json settings = settings_of(world, Json::array({{{"method", "quantize.q8"}}}));
  settings["recipe"]["measure"] = {"size"};
  const Json rows = answer_of("run_recipe", settings).at("rows");
  EXPECT_TRUE(rows[1].contains("bundle_bytes"));
  for (const char* member : {"accuracy", "latency_ms_p50", "macs", "label_loyalty"}) {
    EXPECT_FALSE(rows[1].contains(member)) << member;
  }
  // What was left out is measured when it is asked for later.
  settings["recipe"]["measure"] = Json::array();
  const Json whole = answer_of("run_recipe", settings).at("rows");
  EXPECT_TRUE(whole[1].at("cached").get<bool>());
  EXPECT_TRUE(whole[1].contains("accuracy"));
  EXPECT_TRUE(whole[1].contains("label_loyalty"));
  settings["recipe"]["measure"] = {"beauty"};
  const JobEvent refused = run_job_here("run_recipe", settings).last;
  EXPECT_EQ(refused.kind, JobEventKind::Failed);
  EXPECT_NE(refused.error.message.find("beauty"), std::string::npos);
}

TEST(RunRecipe, EveryIssueIsToldBeforeAnyWork) {
  const TinyWorld world;
  const Json steps = Json::array({{{"method", "prune.heads"}, {"settings", {{"fraction", 7}, {"colour", "red"}}}},
                                  {{"method", "prune.everything"}},
                                  {{"method", "quantize.q8"}, {"settings", {{"bits", 1}}}}});
  const Outcome outcome = run_job_here("run_recipe", settings_of(world, steps));
  ASSERT_EQ(outcome.last.kind, JobEventKind::Failed);
  EXPECT_EQ(outcome.last.error.kind, ErrorKind::InvalidInput);
  for (const char* word : {"fraction", "colour", "prune.everything", "bits", "step 3"}) {
    EXPECT_NE(outcome.last.error.message.find(word), std::string::npos) << word << outcome.last.error.message;
  }
  EXPECT_TRUE(outcome.results.empty());
  EXPECT_TRUE(Workspace(world.workspace()).runs().empty());
}

TEST(RunRecipe, AModelWithoutAHeadForTheTaskIsRefused) {
  const TinyWorld world;
  Model model = tiny_task_model();
  model.architecture.head = {HeadKind::None, 0, {}};
  model.weights.remove("head.out.weight");
  model.weights.remove("head.out.bias");
  save_bundle(model, world.folder() / "headless");
  Json settings = settings_of(world, Json::array());
  settings["recipe"]["model"] = (world.folder() / "headless").string();
  const Outcome outcome = run_job_here("run_recipe", settings);
  EXPECT_EQ(outcome.last.error.kind, ErrorKind::InvalidInput);
  EXPECT_NE(outcome.last.error.message.find("espalier train"), std::string::npos) << outcome.last.error.message;
}

TEST(RunRecipe, ACancelledRunKeepsItsFinishedStepsAndTheNextContinues) {
  const TinyWorld world;
  const Outcome cancelled =
      run_job_here("run_recipe", settings_of(world, three_steps()), {}, [](const JobEvent& event, JobRunner& runner) {
        if (event.kind == JobEventKind::Metric && event.series == "loss") runner.cancel(event.job);
      });
  EXPECT_EQ(cancelled.last.kind, JobEventKind::Cancelled);
  {
    const Workspace workspace(world.workspace());
    const auto runs = workspace.runs();
    ASSERT_EQ(runs.size(), 1u);
    EXPECT_EQ(runs[0].state, "cancelled");
    EXPECT_EQ(runs[0].steps.size(), 2u);
  }
  const Json rows = answer_of("run_recipe", settings_of(world, three_steps())).at("rows");
  EXPECT_TRUE(rows[0].at("cached").get<bool>());
  EXPECT_TRUE(rows[1].at("cached").get<bool>());
  EXPECT_FALSE(rows[2].at("cached").get<bool>());
}

TEST(RunRecipe, ATrainingStoppedInsideAStepGoesOnFromItsCheckpoint) {
  const TinyWorld world;
  const Outcome stopped =
      run_job_here("run_recipe", settings_of(world, three_steps()), {}, [](const JobEvent& event, JobRunner& runner) {
        // The third epoch; each epoch of five steps ends with a checkpoint.
        if (event.kind == JobEventKind::Metric && event.series == "loss" && event.x == 12) runner.cancel(event.job);
      });
  ASSERT_EQ(stopped.last.kind, JobEventKind::Cancelled);
  const Json resumed = answer_of("run_recipe", settings_of(world, three_steps())).at("rows");
  Json elsewhere = settings_of(world, three_steps());
  elsewhere["workspace"] = (world.folder() / "other").string();
  const Json whole = answer_of("run_recipe", elsewhere).at("rows");
  const auto training = [](const Json& rows) { return rows[2].at("report").at("rounds")[0].at("train"); };
  EXPECT_TRUE(training(resumed).at("resumed").get<bool>());
  EXPECT_FALSE(training(whole).at("resumed").get<bool>());
  EXPECT_EQ(training(resumed).at("steps"), training(whole).at("steps"));
  for (const size_t row : {2u, 3u}) {
    const auto weights = [row](const Json& rows) {
      return bytes_of(fs::path(rows[row].at("bundle").get<std::string>()) / "model.safetensors");
    };
    EXPECT_EQ(weights(resumed), weights(whole)) << row;
  }
}

// Not a test: this program as the worker of the next one, which starts it with this case alone. What the test framework
// prints before is no message, and is logged.
TEST(Worker, DISABLED_ServesJobs) {
  JobKinds kinds = builtin_job_kinds();
  kinds.add("pid", [](const JobSpec&, JobContext&) { return Json{{"pid", getpid()}}; });
  serve_jobs(kinds);
}

TEST(RunRecipe, AKilledWorkerLosesNoFinishedStepAndTheNextContinues) {
  const TinyWorld world;
  ProcessRunnerOptions options;
  options.program = fs::read_symlink("/proc/self/exe");
  options.arguments = {"--gtest_filter=Worker.DISABLED_ServesJobs", "--gtest_also_run_disabled_tests"};
  const auto runner = make_process_runner(options);
  int pid = 0;
  JobSpec ask;
  ask.kind = "pid";
  runner->start(ask, [&](const JobEvent& event) {
    if (event.kind == JobEventKind::Done) pid = event.result.at("pid");
  });
  runner->wait();
  ASSERT_GT(pid, 0);

  JobSpec spec;
  spec.kind = "run_recipe";
  spec.settings = settings_of(world, three_steps());
  JobEvent last;
  runner->start(spec, [&](const JobEvent& event) {
    if (event.kind == JobEventKind::Metric && event.series == "loss") kill(pid, SIGKILL);
    if (event.is_final()) last = event;
  });
  runner->wait();
  ASSERT_EQ(last.kind, JobEventKind::Failed);
  EXPECT_NE(last.error.message.find("signal 9"), std::string::npos) << last.error.message;
  {
    const Workspace workspace(world.workspace());
    const auto runs = workspace.runs();
    ASSERT_EQ(runs.size(), 1u);
    EXPECT_EQ(runs[0].state, "interrupted");
    ASSERT_EQ(runs[0].steps.size(), 2u);
    for (const std::string& hash : runs[0].steps) EXPECT_TRUE(workspace.find_step(hash));
  }

  runner->start(spec, [&](const JobEvent& event) {
    if (event.is_final()) last = event;
  });
  runner->wait();
  ASSERT_EQ(last.kind, JobEventKind::Done) << last.error.message;
  const Json& rows = last.result.at("rows");
  EXPECT_TRUE(rows[1].at("cached").get<bool>());
  EXPECT_FALSE(rows[2].at("cached").get<bool>());

  // The same bytes as without the interruption.
  Json elsewhere = settings_of(world, three_steps());
  elsewhere["workspace"] = (world.folder() / "other").string();
  const Json whole = answer_of("run_recipe", elsewhere).at("rows");
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(rows[i].at("hash"), whole[i].at("hash"));
    EXPECT_EQ(bytes_of(fs::path(rows[i].at("bundle").get<std::string>()) / "model.safetensors"),
              bytes_of(fs::path(whole[i].at("bundle").get<std::string>()) / "model.safetensors"))
        << i;
  }
}

}  // namespace
}  // namespace espalier::test
