// Jobs that look inside a model.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "formats/safetensors.h"
#include "job_kinds/look_figures.h"
#include "tests/job_kinds/tiny_task.h"
#include "train/fine_tune.h"

namespace espalier::test {
namespace {

namespace fs = std::filesystem;

Json base_settings(const TinyWorld& world) {
  return {{"model", world.model().string()}, {"task", world.task().string()}, {"max_examples", 40}};
}

TEST(ImportanceJob, RanksHeadsByAllCriteriaAndDrawsTheCurve) {
  const TinyWorld world;
  Json settings = base_settings(world);
  settings["curve"] = true;
  settings["split"] = "train";
  settings["gate_steps"] = 5;
  const Outcome outcome = run_job_here("importance", settings);
  ASSERT_EQ(outcome.last.kind, JobEventKind::Done) << outcome.last.error.message;
  const Json& answer = outcome.last.result;
  ASSERT_EQ(answer.at("criteria").size(), 7u);
  // One when it is ranked; then each of its points, and one with its curve.
  size_t at = 0;
  for (; at < 7; ++at) EXPECT_FALSE(outcome.results[at].at("criterion").contains("curve"));
  for (const Json& entry : answer["criteria"]) {
    std::vector<Json> points;
    for (; outcome.results.at(at).at("kind") == "point"; ++at) {
      EXPECT_EQ(outcome.results[at].at("criterion"), entry.at("criterion"));
      points.push_back(outcome.results[at].at("point"));
    }
    std::ranges::stable_sort(points, {}, [](const Json& point) { return point.at("removed").get<int>(); });
    EXPECT_EQ(Json(points), entry.at("curve"));
    EXPECT_EQ(outcome.results[at++].at("criterion"), entry);
  }
  EXPECT_EQ(at, outcome.results.size());
  EXPECT_EQ(answer.at("criteria")[0].at("criterion"), "michel");
  EXPECT_EQ(answer.at("split"), "train");
  EXPECT_EQ(answer.at("curve_split"), "dev");
  for (size_t i = 0; i < 7; ++i) {
    const Json& entry = answer["criteria"][i];
    EXPECT_EQ(entry.at("scores").size(), 2u);
    EXPECT_EQ(entry.at("curve").front().at("removed"), 0);
    EXPECT_EQ(entry.at("curve").back().at("removed"), 8);
    EXPECT_LE(entry.at("curve")[1].at("accuracy_low"), entry.at("curve")[1].at("accuracy"));
    // All begin with the whole model and end with no head at all.
    EXPECT_EQ(entry["curve"].front().at("accuracy"), answer["criteria"][0]["curve"].front().at("accuracy"));
    EXPECT_EQ(entry["curve"].back().at("accuracy"), answer["criteria"][0]["curve"].back().at("accuracy"));
    EXPECT_NEAR(answer.at("agreement")[i][i].get<double>(), 1, 1e-12);
    for (size_t j = 0; j < i; ++j) EXPECT_EQ(answer["agreement"][i][j], answer["agreement"][j][i]);
  }
  EXPECT_NE(importance_svg(answer, "tiny").find("michel"), std::string::npos);
}

TEST(ImportanceJob, RanksUnitsAndLayers) {
  const TinyWorld world;
  Json settings = base_settings(world);
  settings["of"] = "units";
  settings["criteria"] = {"magnitude", "michel", "magnitude"};
  const Json units = answer_of("importance", settings);
  ASSERT_EQ(units.at("criteria").size(), 2u);
  EXPECT_EQ(units["criteria"][1].at("scores")[1].size(), 32u);
  EXPECT_FALSE(units["criteria"][0].contains("curve"));
  settings["of"] = "layers";
  settings["criteria"] = {"influence", "ablation"};
  const Json layers = answer_of("importance", settings);
  EXPECT_EQ(layers["criteria"][0].at("scores").size(), 2u);
  EXPECT_EQ(layers["criteria"][0]["scores"][0].size(), 1u);
}

TEST(ImportanceJob, MichelsOfEachTokenIsThatOfTheReleaseAlone) {
  const TinyWorld world;
  for (const auto& [of, kind] : {std::pair{"heads", "head_importance"}, std::pair{"units", "unit_importance"}}) {
    Json settings = base_settings(world);
    settings["of"] = of;
    settings["criteria"] = {"michel", "taylor"};
    settings["average"] = "token";
    const Json several = answer_of("importance", settings);
    EXPECT_EQ(several["criteria"][0].at("average"), "token");
    EXPECT_FALSE(several["criteria"][1].contains("average"));
    EXPECT_EQ(several["criteria"][0].at("scores"), answer_of(kind, settings).at(of)) << of;
    settings["average"] = "example";
    EXPECT_NE(several["criteria"][0].at("scores"), answer_of("importance", settings)["criteria"][0].at("scores"));
  }
}

TEST(ImportanceJob, NamesWhatItDoesNotKnow) {
  const TinyWorld world;
  const auto message = [&](const char* member, const Json& value) {
    Json settings = base_settings(world);
    settings[member] = value;
    const Outcome outcome = run_job_here("importance", settings);
    EXPECT_EQ(outcome.last.error.kind, ErrorKind::InvalidInput);
    return outcome.last.error.message;
  };
  EXPECT_NE(message("of", "words").find("units"), std::string::npos);
  EXPECT_NE(message("criteria", Json{"influence"}).find("entropy"), std::string::npos);
  EXPECT_NE(message("average", "week").find("example or token"), std::string::npos);
}

TEST(FlipsJob, OfAModelWithItselfAreNone) {
  const TinyWorld world;
  Json settings = base_settings(world);
  settings["baseline"] = world.model().string();
  const Json answer = answer_of("flips", settings);
  EXPECT_EQ(answer.at("examples"), 40);
  EXPECT_EQ(answer.at("lost"), 0);
  EXPECT_EQ(answer.at("gained"), 0);
  EXPECT_TRUE(answer.at("rows").empty());
  EXPECT_EQ(answer.at("baseline_confusion"), answer.at("confusion"));
  settings["rows"] = "all";
  EXPECT_EQ(answer_of("flips", settings).at("rows").size(), 40u);
}

TEST(FlipsJob, RowsAndSlicesAgreeWithTheCounts) {
  const TinyWorld world;
  // The answers the other way round: the two columns of the head are exchanged.
  Model turned = tiny_task_model();
  for (const char* slot : {"head.out.weight", "head.out.bias"}) {
    turned.weights.replace(slot, select(turned.weight(slot), 0, {1, 0}));
  }
  save_bundle(turned, world.folder() / "turned");
  Json settings = base_settings(world);
  settings["baseline"] = world.model().string();
  settings["model"] = (world.folder() / "turned").string();
  settings["least_examples"] = 3;
  const Json answer = answer_of("flips", settings);
  EXPECT_EQ(answer.at("lost").get<int>() + answer.at("gained").get<int>(), 40);
  EXPECT_NEAR(answer.at("accuracy").get<double>() + answer.at("baseline_accuracy").get<double>(), 1, 1e-12);
  ASSERT_EQ(answer.at("rows").size(), 40u);
  int lost = 0;
  for (const Json& row : answer.at("rows")) {
    lost += row.at("kind") == "lost";
    EXPECT_NE(row.at("answer"), row.at("baseline_answer"));
    EXPECT_EQ(row.at("kind") == "lost", row.at("gold") == row.at("baseline_answer"));
    EXPECT_NEAR(row.at("probability").get<double>(), row.at("baseline_probability").get<double>(), 1e-6);
    EXPECT_FALSE(row.at("text").get<std::string>().empty());
  }
  EXPECT_EQ(lost, answer.at("lost"));
  std::map<std::string, int> examples;
  for (const Json& slice : answer.at("slices")) {
    examples[slice.at("by")] += slice.at("examples").get<int>();
    EXPECT_EQ(slice.at("members").size(), slice.at("examples").get<size_t>());
  }
  for (const char* by : {"length", "label", "loss"}) EXPECT_EQ(examples[by], 40) << by;
  EXPECT_GT(examples["word"], 0);
}

TEST(AttentionJob, MeasuresAndOneHead) {
  const TinyWorld world;
  const Json answer = answer_of(
      "attention", {{"model", world.model().string()}, {"text", "the film was good"}, {"layer", 1}, {"head", 3}});
  EXPECT_FALSE(answer.contains("file"));
  EXPECT_EQ(answer.at("measures").at("entropy")[0].size(), 4u);
  ASSERT_EQ(answer.at("matrix").size(), 6u);
  double sum = 0;
  for (const Json& share : answer["matrix"][2]) sum += share.get<double>();
  EXPECT_NEAR(sum, 1, 1e-5);
  const Outcome outcome =
      run_job_here("attention", {{"model", world.model().string()}, {"text", "a"}, {"layer", 1}, {"head", 4}});
  EXPECT_NE(outcome.last.error.message.find("0 to 3"), std::string::npos) << outcome.last.error.message;
}

TEST(AttentionAverageJob, OfOneExampleIsThatOfItsSentence) {
  const TinyWorld world;
  Json settings = base_settings(world);
  settings["max_examples"] = 1;
  const Json average = answer_of("attention_average", settings);
  EXPECT_EQ(average.at("examples"), 1);
  const Json examples = answer_of("examples", {{"task", world.task().string()}, {"split", "dev"}, {"count", 1}});
  const Json sentence =
      answer_of("attention", {{"model", world.model().string()}, {"text", examples.at("examples")[0].at("text")}});
  for (const auto& [name, values] : sentence.at("measures").items()) {
    for (size_t layer = 0; layer < 2; ++layer) {
      for (size_t head = 0; head < 4; ++head) {
        EXPECT_NEAR(average.at("measures").at(name).at("mean")[layer][head].get<double>(),
                    values[layer][head].get<double>(), 1e-4)
            << name;
      }
    }
  }
  settings["max_examples"] = 30;
  const Json wide = answer_of("attention_average", settings).at("measures").at("entropy");
  EXPECT_LT(wide.at("low")[0][0], wide.at("mean")[0][0]);
  EXPECT_GT(wide.at("high")[0][0], wide.at("mean")[0][0]);
}

TEST(AttentionJob, OfAnEncoderDecoderHasThreeStacks) {
  const TempDir folder;
  Model model = fresh_model(tiny_translator(), 1);
  model.tokenizer_files = tiny_task_model().tokenizer_files;
  save_bundle(model, folder.path() / "translator");
  const Json answer = answer_of("attention", {{"model", (folder.path() / "translator").string()},
                                              {"text", "the film was good"},
                                              {"target", "very bad"},
                                              {"stack", "cross"},
                                              {"layer", 0},
                                              {"head", 0}});
  EXPECT_EQ(answer.at("matrix").size(), answer.at("target_tokens").size());
  EXPECT_EQ(answer.at("matrix")[0].size(), answer.at("tokens").size());
  EXPECT_TRUE(answer.at("cross_measures").at("distance")[0][0].is_null());
  EXPECT_FALSE(answer.at("cross_measures").at("entropy")[0][0].is_null());
}

TEST(WeightsJob, ListsAllAndTellsEverythingOfOne) {
  const TinyWorld world;
  const Json all = answer_of("weights", {{"model", world.model().string()}, {"other", world.model().string()}});
  EXPECT_EQ(all.at("weights").size(), slots_of(tiny_task_model().architecture).size());
  EXPECT_EQ(all["weights"][0].at("difference").at("relative_error"), 0);
  EXPECT_TRUE(all["weights"][0]["difference"].at("sqnr_db").is_null());

  const Json one =
      answer_of(
          "weights",
          {{"model", world.model().string()}, {"name", "encoder.0.ffn.in_proj.weight"}, {"rank", 4}, {"bits", {8, 2}}})
          .at("weight");
  EXPECT_EQ(one.at("shape"), (Json{32, 16}));
  EXPECT_EQ(one.at("spectrum").at("values").size(), 16u);
  const Json& at_rank = one["spectrum"].at("at_rank");
  EXPECT_EQ(at_rank.at("bytes"), 4 * 4 * (32 + 16));
  EXPECT_NEAR(std::pow(at_rank.at("relative_error").get<double>(), 2), 1 - at_rank.at("energy").get<double>(), 1e-9);
  ASSERT_EQ(one.at("quantization").size(), 4u);
  // A scale a row is never worse than one for the matrix; fewer bits are worse.
  EXPECT_LE(one["quantization"][0].at("relative_error"), one["quantization"][1].at("relative_error"));
  EXPECT_LT(one["quantization"][0].at("relative_error"), one["quantization"][2].at("relative_error"));
  const auto counts = one.at("histogram").at("counts").get<std::vector<int64_t>>();
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), int64_t{0}), 32 * 16);
  EXPECT_EQ(one.at("row_ranges").at("max").size(), 32u);
  const Outcome wrong =
      run_job_here("weights", {{"model", world.model().string()}, {"name", "encoder.0.ffn.in_prj.weight"}});
  EXPECT_NE(wrong.last.error.message.find("in_proj"), std::string::npos) << wrong.last.error.message;
}

TEST(ActivationsJob, SeesLayersAndTheirLikeness) {
  const TinyWorld world;
  Json settings = base_settings(world);
  settings["baseline"] = world.model().string();
  const Json answer = answer_of("activations", settings);
  ASSERT_EQ(answer.at("layers").size(), 3u);
  EXPECT_EQ(answer["layers"][0].at("channel_max").size(), 16u);
  EXPECT_LE(answer["layers"][1].at("min"), answer["layers"][1].at("mean"));
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(answer.at("cka")[i][i], 1);
    // The same model twice.
    for (size_t j = 0; j < 3; ++j) {
      EXPECT_NEAR(answer.at("baseline_cka")[i][j].get<double>(), answer["cka"][i][j].get<double>(), 1e-9);
    }
  }
  EXPECT_EQ(answer.at("layers"), answer.at("baseline_layers"));
}

TEST(SaliencyJob, EveryMethodAnswersAndIntegratedGradientsAddUp) {
  const TinyWorld world;
  const Json settings = {{"model", world.model().string()}, {"text", "the film was good"}, {"steps", 200}};
  for (const char* method : {"gradient", "integrated_gradients", "smoothgrad", "occlusion", "rollout"}) {
    Json own = settings;
    own["method"] = method;
    const Json answer = answer_of("saliency", own);
    EXPECT_EQ(answer.at("scores").size(), 6u) << method;
    EXPECT_EQ(answer.at("method"), method);
    const auto logits = answer.at("logits").get<std::vector<double>>();
    const auto probabilities = answer.at("probabilities").get<std::vector<double>>();
    EXPECT_NEAR(std::log(probabilities[0] / probabilities[1]), logits[0] - logits[1], 1e-6);
    EXPECT_EQ(answer.contains("completeness_error"), std::string(method) == "integrated_gradients");
  }
  Json unknown = settings;
  unknown["method"] = "guess";
  EXPECT_NE(run_job_here("saliency", unknown).last.error.message.find("rollout"), std::string::npos);
}

TEST(LookJobs, StopWhenCancelled) {
  const TinyWorld world;
  Json settings = base_settings(world);
  settings["criteria"] = {"ablation"};
  settings["baseline"] = world.model().string();
  for (const char* kind : {"importance", "flips", "attention_average", "activations"}) {
    const Outcome outcome = run_job_here(kind, settings, {}, [](const JobEvent& event, JobRunner& runner) {
      if (event.kind == JobEventKind::Progress) runner.cancel(event.job);
    });
    EXPECT_EQ(outcome.last.kind, JobEventKind::Cancelled) << kind << outcome.last.error.message;
  }
}

}  // namespace
}  // namespace espalier::test
