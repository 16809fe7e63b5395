#include <numeric>

#include "formats/safetensors.h"
#include "job_kinds/resources.h"
#include "tests/job_kinds/tiny_task.h"

namespace espalier::test {
namespace {

namespace fs = std::filesystem;

TEST(Train, AFreshModelLearnsTheTask) {
  const TinyWorld world;
  const fs::path out = world.folder() / "trained";
  const Json settings = {{"architecture", to_json(tiny_task_model(1).architecture)},
                         {"tokenizer", world.model().string()},
                         {"task", world.task().string()},
                         {"options", {{"epochs", 12}, {"batch_size", 16}, {"learning_rate", 5e-3}}}};
  const Outcome outcome = run_job_here("train", settings, out);
  ASSERT_EQ(outcome.last.kind, JobEventKind::Done) << outcome.last.error.message;
  const Json& answer = outcome.last.result;
  EXPECT_EQ(answer.at("bundle"), out.string());
  EXPECT_GT(answer.at("quality").at("accuracy"), 0.9);
  EXPECT_EQ(answer.at("train").at("steps"), 120);
  EXPECT_NE(std::ranges::find(outcome.series, "loss"), outcome.series.end());
  EXPECT_FALSE(fs::exists(fs::path(out).concat(".checkpoint")));

  const Json row = answer_of("evaluate", {{"model", out.string()}, {"task", world.task().string()}});
  EXPECT_EQ(row.at("accuracy"), answer.at("quality").at("accuracy"));
  EXPECT_EQ(row.at("bundle_bytes"), bundle_bytes(out));
  EXPECT_GT(row.at("latency_ms_p50"), 0);
}

TEST(Train, UnknownOptionsAreRefusedByName) {
  const TinyWorld world;
  const Outcome outcome = run_job_here(
      "train", {{"model", world.model().string()}, {"task", world.task().string()}, {"options", {{"epoch", 1}}}},
      world.folder() / "out");
  EXPECT_EQ(outcome.last.error.kind, ErrorKind::InvalidInput);
  EXPECT_NE(outcome.last.error.message.find("epochs"), std::string::npos) << outcome.last.error.message;
}

TEST(Evaluate, OnLibtorchSaysSoAndAnswersTheSame) {
  const TinyWorld world;
  Json settings = {{"model", world.model().string()}, {"task", world.task().string()}, {"max_examples", 50}};
  const Json engine = answer_of("evaluate", settings);
  settings["runtime"] = "libtorch";
  const Json row = answer_of("evaluate", settings);
  EXPECT_EQ(row.at("accuracy"), engine.at("accuracy"));
  EXPECT_NE(row.at("kernels").get<std::string>().find("libtorch"), std::string::npos);
  EXPECT_NE(row.at("kernels"), engine.at("kernels"));
  EXPECT_FALSE(row.contains("energy_j")) << "the power of another device is not known";

  for (const auto& [key, value] : {std::pair{"runtime", "engine"}, {"precision", "float16"}, {"device", "cuda:77"}}) {
    Json wrong = settings;
    wrong["device"] = "cpu";
    wrong[key] = value;
    EXPECT_NE(run_job_here("evaluate", wrong).last.kind, JobEventKind::Done) << key;
  }
}

TEST(Evaluate, AgainstABaselineComparesTheTwo) {
  const TinyWorld world;
  save_bundle(tiny_task_model(1), world.folder() / "other");
  const Json row = answer_of("evaluate", {{"model", (world.folder() / "other").string()},
                                          {"task", world.task().string()},
                                          {"baseline", world.model().string()},
                                          {"max_examples", 50}});
  EXPECT_EQ(row.at("examples"), 50);
  EXPECT_TRUE(row.contains("mcnemar_p"));
  EXPECT_TRUE(row.contains("speedup"));
  const Json same = answer_of("evaluate", {{"model", world.model().string()},
                                           {"task", world.task().string()},
                                           {"baseline", world.model().string()},
                                           {"latency", false}});
  EXPECT_EQ(same.at("label_loyalty"), 1);
  EXPECT_EQ(same.at("probability_loyalty"), 1);
  EXPECT_EQ(same.at("mcnemar_p"), 1);
  EXPECT_FALSE(same.contains("latency_ms_p50"));
}

TEST(Evaluate, AMissingModelTaskOrSplitIsNamed) {
  const TinyWorld world;
  const auto message = [&](const Json& settings) {
    const Outcome outcome = run_job_here("evaluate", settings);
    EXPECT_EQ(outcome.last.kind, JobEventKind::Failed);
    return outcome.last.error.message;
  };
  EXPECT_NE(message({{"model", "/no/model"}, {"task", world.task().string()}}).find("/no/model"), std::string::npos);
  EXPECT_NE(message({{"model", world.model().string()}, {"task", "/no/task"}}).find("/no/task"), std::string::npos);
  EXPECT_NE(
      message({{"model", world.model().string()}, {"task", world.task().string()}, {"split", "prod"}}).find("prod"),
      std::string::npos);
  EXPECT_NE(message({{"task", world.task().string()}}).find("model"), std::string::npos);
}

TEST(Kinds, ThatNeedALabelATextRefuseOtherTasksByName) {
  const TinyWorld world;
  const fs::path text = world.folder() / "text";
  fs::create_directories(text);
  for (const char* name : {"train.txt", "dev.txt"})
    std::ofstream(text / name) << "the film was good\nthe plot was bad\n";
  const Json settings = {{"model", world.model().string()}, {"task", text.string()}};
  for (const char* kind : {"head_importance", "unit_importance", "attack"}) {
    const Outcome outcome = run_job_here(kind, settings, world.folder() / "out");
    EXPECT_EQ(outcome.last.kind, JobEventKind::Failed) << kind;
    EXPECT_EQ(outcome.last.error.kind, ErrorKind::Unsupported) << kind;
    EXPECT_NE(outcome.last.error.message.find("language modelling"), std::string::npos) << outcome.last.error.message;
  }
  // Their examples can be looked at.
  EXPECT_EQ(answer_of("examples", {{"task", text.string()}}).at("total"), 2);
}

TEST(Train, TheModelKnowsWhoseDataItHasSeen) {
  const TinyWorld world;
  std::ofstream(world.task() / "espalier-dataset.json") << R"({"licence": "CC0-1.0", "source": "made for a test"})";
  answer_of("train",
            {{"model", world.model().string()}, {"task", world.task().string()}, {"options", {{"max_steps", 1}}}},
            world.folder() / "out");
  const Json data = open_model(world.folder() / "out").provenance->at("training").at("data");
  EXPECT_EQ(data.at("licence"), "CC0-1.0");
  EXPECT_EQ(data.at("source"), "made for a test");
  EXPECT_EQ(data.at("identity").get<std::string>().size(), 64u);
  EXPECT_FALSE(data.contains("checksum"));
}

TEST(Importance, HasAScoreForEveryHeadAndUnit) {
  const TinyWorld world;
  const Json settings = {{"model", world.model().string()}, {"task", world.task().string()}, {"max_examples", 40}};
  const Json heads = answer_of("head_importance", settings);
  ASSERT_EQ(heads.at("heads").size(), 2u);
  EXPECT_EQ(heads.at("heads")[0].size(), 4u);
  EXPECT_EQ(heads.at("kept")[1], (Json{0, 1, 2, 3}));
  EXPECT_EQ(heads.at("examples"), 40);
  EXPECT_TRUE(heads.contains("accuracy"));
  EXPECT_EQ(answer_of("unit_importance", settings).at("units")[1].size(), 32u);
  Json by_token = settings;
  by_token["average"] = "token";
  EXPECT_NE(answer_of("head_importance", by_token).at("heads"), heads.at("heads"));
  by_token["average"] = "week";
  EXPECT_EQ(run_job_here("head_importance", by_token).last.error.kind, ErrorKind::InvalidInput);
}

TEST(Attention, RowsOfEveryHeadSumToOne) {
  const TinyWorld world;
  const Json answer = answer_of("attention", {{"model", world.model().string()}, {"text", "the film was good"}},
                                world.folder() / "maps");
  EXPECT_EQ(answer.at("tokens"), (Json{"[CLS]", "the", "film", "was", "good", "[SEP]"}));
  EXPECT_EQ(answer.at("offsets")[2], (Json{4, 8}));
  EXPECT_TRUE(answer.at("offsets")[0].is_null());
  EXPECT_EQ(answer.at("labels"), (Json{"negative", "positive"}));
  EXPECT_NEAR(answer.at("probabilities")[0].get<double>() + answer.at("probabilities")[1].get<double>(), 1, 1e-6);
  const TensorFile maps = read_safetensors(answer.at("file").get<std::string>());
  ASSERT_EQ(maps.tensors.size(), 2u);
  const Tensor& first = maps.tensors.at("attentions.0");
  EXPECT_EQ(first.shape(), (Shape{4, 6, 6}));
  for (size_t row = 0; row < 24; ++row) {
    const auto values = first.values<float>().subspan(row * 6, 6);
    EXPECT_NEAR(std::accumulate(values.begin(), values.end(), 0.0f), 1, 1e-5);
  }
  EXPECT_EQ(
      run_job_here("attention", {{"model", world.model().string()}, {"text", ""}}, world.folder()).last.error.kind,
      ErrorKind::InvalidInput);
}

TEST(Saliency, HasAScoreForEveryToken) {
  const TinyWorld world;
  const Json answer = answer_of(
      "saliency", {{"model", world.model().string()}, {"text", "the film was"}, {"pair", "very good"}, {"label", 1}});
  EXPECT_EQ(answer.at("tokens").size(), 8u);
  EXPECT_EQ(answer.at("scores").size(), 8u);
  EXPECT_EQ(answer.at("explained_label"), 1);
  EXPECT_EQ(answer.at("method"), "gradient_x_input");
  EXPECT_EQ(answer.at("type_ids")[6], 1);
}

TEST(Methods, AllFamiliesAreListedWithTheirPages) {
  const Json methods = answer_of("methods", Json::object()).at("methods");
  std::set<std::string> families, ids;
  for (const Json& method : methods) {
    families.insert(method.at("family"));
    ids.insert(method.at("id"));
    EXPECT_FALSE(method.at("page").get<std::string>().empty());
    EXPECT_FALSE(method.at("settings").empty());
    EXPECT_TRUE(method.at("needs").is_object());
  }
  EXPECT_EQ(families, (std::set<std::string>{"distill", "factorize", "prune", "quantize", "share"}));
  EXPECT_TRUE(ids.contains("quantize.q8"));
}

TEST(Check, TellsIssuesAndEstimatesWithoutRunning) {
  const TinyWorld world;
  Json recipe = {{"model", world.model().string()},
                 {"task", world.task().string()},
                 {"steps", Json::array({{{"method", "prune.heads"}, {"settings", {{"fraction", 0.5}}}},
                                        {{"method", "quantize.q8"}}})}};
  const Json good = answer_of("check", {{"recipe", recipe}});
  EXPECT_TRUE(good.at("issues").empty()) << good.dump();
  ASSERT_EQ(good.at("estimates").size(), 3u);
  EXPECT_EQ(good.at("estimates")[0].at("bundle_bytes"), predicted_bundle_bytes(materialized(tiny_task_model())));
  EXPECT_LT(good.at("estimates")[2].at("bundle_bytes"), good.at("estimates")[1].at("bundle_bytes"));
  recipe["steps"][1]["settings"]["bits"] = 99;
  const Json bad = answer_of("check", {{"recipe", recipe}});
  ASSERT_EQ(bad.at("issues").size(), 1u);
  EXPECT_EQ(bad.at("issues")[0].at("step"), 1);
  EXPECT_EQ(bad.at("issues")[0].at("key"), "bits");
}

TEST(Check, SeesAModelThatWasReplaced) {
  const TinyWorld world;
  const Json settings = {
      {"recipe", {{"model", world.model().string()}, {"task", world.task().string()}, {"steps", Json::array()}}}};
  const Json before = answer_of("check", settings);
  fs::remove_all(world.model());
  save_bundle(tiny_task_model(5), world.model());
  EXPECT_NE(answer_of("check", settings).at("estimates"), before.at("estimates"));
}

TEST(Examples, ArePagedAndKnowTheTotal) {
  const TinyWorld world;
  const Json answer =
      answer_of("examples", {{"task", world.task().string()}, {"split", "dev"}, {"offset", 75}, {"count", 20}});
  EXPECT_EQ(answer.at("total"), 80);
  EXPECT_EQ(answer.at("examples").size(), 5u);
  EXPECT_EQ(answer.at("labels"), (Json{"0", "1"}));
  const Json named = answer_of("examples", {{"task", world.task().string()}, {"model", world.model().string()}});
  EXPECT_EQ(named.at("labels"), (Json{"negative", "positive"}));
  const Json lab = answer_of("examples", {{"task", "lab"}, {"split", "test"}, {"count", 2}});
  EXPECT_EQ(lab.at("examples").size(), 2u);
  EXPECT_FALSE(lab.at("examples")[0].at("evidence").empty());
}

TEST(Resources, AreFoundFromTheBuildTreeAndByTheEnvironment) {
  EXPECT_TRUE(fs::is_directory(resource_folder()));
  const TempDir folder;
  setenv("ESPALIER_RESOURCES", folder.path().c_str(), 1);
  EXPECT_EQ(resource_folder(), folder.path());
  setenv("ESPALIER_RESOURCES", "/no/resources", 1);
  const Error error = expect_error([] { resource_folder(); });
  EXPECT_NE(std::string(error.what()).find("/no/resources"), std::string::npos);
  unsetenv("ESPALIER_RESOURCES");
}

}  // namespace
}  // namespace espalier::test
