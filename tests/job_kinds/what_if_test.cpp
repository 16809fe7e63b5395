// Questions about edits: every kind of edit, a warm session, refusals.

#include "job_kinds/edits.h"
#include "tests/job_kinds/tiny_task.h"

namespace espalier::test {
namespace {

Json one_of_each() {
  return Json::parse(R"([
    [{"heads": [[0, 1], [1, 3]]}],
    [{"neurons": {"layer": 1, "first": 4, "last": 19}}],
    [{"layer": 0}],
    [{"rank": 2, "weight": "encoder.1.ffn.in"}],
    [{"bits": 2, "weight": "encoder.0.attention.v_proj"}],
    [{"heads": [[0, 0]]}, {"bits": 3, "weight": "encoder.1.ffn.out_proj.weight"},
     {"rank": 3, "weight": "encoder.1.ffn.out_proj"}],
    [{"units": [[0, 31], [1, 0], [1, 7], [1, 0]]}, {"layer": 0}]])");
}

Json base_settings(const TinyWorld& world) {
  return {{"model", world.model().string()}, {"task", world.task().string()}, {"half_width", 0}};
}

TEST(WhatIfJob, EveryEditGetsTheAccuracyThatAnEvaluationFinds) {
  const TinyWorld world;
  Json settings = base_settings(world);
  settings["edits"] = one_of_each();
  const Outcome outcome = run_job_here("whatif", settings);
  ASSERT_EQ(outcome.last.kind, JobEventKind::Done) << outcome.last.error.message;
  const Json& answer = outcome.last.result;
  ASSERT_EQ(answer.at("edits").size(), 7U);
  EXPECT_EQ(answer.at("split"), "dev");
  const Model model = open_model(world.model());
  SpectrumCache spectra;
  for (size_t i = 0; i < 7; ++i) {
    const Json& edit = answer["edits"][i];
    const auto bundle = world.folder() / ("edited" + std::to_string(i));
    save_bundle(apply_edit(model, settings["edits"][i], spectra), bundle);
    const Json row =
        answer_of("evaluate", {{"model", bundle.string()}, {"task", world.task().string()}, {"latency", false}});
    EXPECT_EQ(edit.at("accuracy"), row.at("accuracy")) << edit.at("text");
    EXPECT_EQ(edit.at("accuracy_low"), edit.at("accuracy_high"));
    EXPECT_EQ(edit.at("parameters"), row.at("parameters"));
    EXPECT_EQ(edit.at("examples_run"), 80);
  }
  EXPECT_EQ(answer["edits"][0].at("text"), "without heads 0.1, 1.3");
  EXPECT_EQ(answer["edits"][1].at("first_changed_layer"), 1);
  EXPECT_LT(answer["edits"][1].at("parameters"), answer.at("parameters"));
  ASSERT_FALSE(outcome.results.empty());
  EXPECT_EQ(outcome.results.back().at("edit"), 6);
  EXPECT_TRUE(outcome.results.back().at("settled").get<bool>());
  EXPECT_EQ(outcome.results.back().at("baseline_accuracy"), answer.at("baseline_accuracy"));
}

TEST(WhatIfJob, TheSessionStaysWarmUntilModelOrDataChange) {
  const TinyWorld world;
  const auto runner = make_inline_runner(builtin_job_kinds());
  JobSpec spec;
  spec.kind = "whatif";
  spec.settings = base_settings(world);
  spec.settings["open_only"] = true;
  const auto answer = [&] {
    JobEvent last;
    runner->start(spec, [&](const JobEvent& event) {
      if (event.is_final()) last = event;
    });
    EXPECT_EQ(last.kind, JobEventKind::Done) << last.error.message;
    return last.result;
  };
  const Json first = answer();
  EXPECT_FALSE(first.at("warm").get<bool>());
  EXPECT_TRUE(first.at("edits").empty());
  spec.settings["each"] = "layers";
  spec.settings["half_width"] = 0.05;
  const Json second = answer();
  EXPECT_TRUE(second.at("warm").get<bool>());
  EXPECT_EQ(second.at("edits").size(), 2U);
  EXPECT_EQ(second.at("baseline_accuracy"), first.at("baseline_accuracy"));
  write_split(world.task() / "dev.tsv", 50, 3);
  const Json third = answer();
  EXPECT_FALSE(third.at("warm").get<bool>());
  EXPECT_EQ(third.at("examples"), 50);
}

TEST(WhatIfJob, WhatCannotBeAskedIsRefusedByName) {
  const TinyWorld world;
  const std::vector<std::pair<const char*, const char*>> wrong = {
      {R"([])", "nothing to ask"},
      {R"([[]])", "at least one part"},
      {R"([[{"tails": 3}]])", "heads, neurons, units, layer, rank or bits"},
      {R"([["heads"]])", "no part of an edit"},
      {R"([[{"heads": [[0, 9]]}]])", "one of 0, 1, 2, 3"},
      {R"([[{"heads": [[0, 4294967296]]}]])", "one of 0, 1, 2, 3"},
      {R"([[{"heads": [[5, 0]]}]])", "0 to 1"},
      {R"([[{"heads": [[0]]}]])", "heads"},
      {R"([[{"heads": "all"}]])", "heads"},
      {R"([[{"neurons": {"layer": 0, "first": 4, "last": 32}}]])", "0-31"},
      {R"([[{"units": [[0, 32]]}]])", "it has 0-31"},
      {R"([[{"units": [[2, 0]]}]])", "2 layers"},
      {R"([[{"units": [3]}]])", "units"},
      {R"([[{"layer": -1}]])", "no such layer"},
      {R"([[{"layer": 0}, {"layer": 0}]])", "only layer"},
      {R"([[{"rank": 17, "weight": "encoder.0.ffn.in_proj"}]])", "1 to 16"},
      {R"([[{"bits": 9, "weight": "encoder.0.ffn.in_proj"}]])", "2 to 8"},
      {R"([[{"bits": 4, "weight": "encoder.0.ffn.inproj"}]])", "encoder.0.ffn.in_proj"}};
  for (const auto& [edits, part] : wrong) {
    Json settings = base_settings(world);
    settings["edits"] = Json::parse(edits);
    const Outcome outcome = run_job_here("whatif", settings);
    EXPECT_EQ(outcome.last.kind, JobEventKind::Failed) << edits;
    EXPECT_NE(outcome.last.error.kind, ErrorKind::Internal) << edits;
    EXPECT_NE(outcome.last.error.message.find(part), std::string::npos) << edits << "\n" << outcome.last.error.message;
  }
}

TEST(WhatIfJob, StopsWhenAsked) {
  const TinyWorld world;
  Json settings = base_settings(world);
  settings["each"] = "heads";
  const Outcome outcome = run_job_here("whatif", settings, {}, [](const JobEvent& event, JobRunner& runner) {
    if (event.kind == JobEventKind::Result) runner.cancel(event.job);
  });
  EXPECT_EQ(outcome.last.kind, JobEventKind::Cancelled);
  EXPECT_EQ(outcome.results.size(), 1U);
}

}  // namespace
}  // namespace espalier::test
