// The real data sets beside the project: every row is used or told.

#include "data/plain_text.h"
#include "tests/data/data_folder.h"

namespace espalier {
namespace {

using test::load;

struct RealTask {
  std::string folder;
  TaskKind kind;
  size_t labels;
  std::vector<std::pair<std::string, size_t>> counts;
};

TEST(SharedData, CountsAndLabels) {
  ESPALIER_REQUIRE_SHARED();
  const std::vector<RealTask> tasks = {
      {"sst2", TaskKind::Classification, 2, {{"train", 67349}, {"dev", 872}}},
      {"mrpc", TaskKind::Classification, 2, {{"train", 3667}, {"dev", 408}}},
      {"rte", TaskKind::Classification, 2, {{"train", 2490}, {"dev", 277}}},
      {"snips", TaskKind::Classification, 7, {{"train", 13784}, {"dev", 700}}},
      {"clinc150", TaskKind::Classification, 151, {{"train", 15100}, {"dev", 3100}, {"test", 5500}}},
      {"multi30k", TaskKind::Translation, 0, {{"train", 29000}, {"dev", 1014}, {"test_2016_flickr", 1000}}},
      {"wikitext2", TaskKind::LanguageModelling, 0, {{"dev", 3760}, {"test", 4358}}}};
  for (const RealTask& expected : tasks) {
    SCOPED_TRACE(expected.folder);
    const Task task = open_task((test::shared_dir() / "data" / expected.folder).string());
    EXPECT_EQ(task.kind, expected.kind);
    EXPECT_EQ(task.labels.size(), expected.labels);
    EXPECT_EQ(task.splits.size(), expected.counts.size());
    for (const auto& [split, count] : expected.counts) {
      const Dataset data = load(task, split);
      EXPECT_EQ(data.examples.size(), count) << split;
      EXPECT_EQ(data.skipped.count, 0) << (data.skipped.first_reasons.empty() ? "" : data.skipped.first_reasons[0]);
      EXPECT_EQ(data.recoded, 0);
      if (task.kind != TaskKind::Classification) continue;
      for (const Example& example : data.examples) ASSERT_GE(example.label, 0);
    }
  }
}

TEST(SharedData, TheBookIsCutAtALineEnd) {
  ESPALIER_REQUIRE_SHARED();
  const Task task = open_task((test::shared_dir() / "data" / "tinyshakespeare").string());
  EXPECT_EQ(task.kind, TaskKind::LanguageModelling);
  size_t bytes = 0, lines = 0;
  for (const std::string& split : task.splits) {
    for (const Example& example : load(task, split).examples) {
      bytes += example.text.size() + 1;
      ++lines;
    }
  }
  EXPECT_EQ(lines, 40000u);
  EXPECT_EQ(bytes, 1115394u);
}

TEST(SharedData, IntentsKnowWhatIsOutOfScope) {
  ESPALIER_REQUIRE_SHARED();
  const Task task = open_task((test::shared_dir() / "data" / "clinc150").string());
  const auto oos = std::ranges::find(task.labels, "oos") - task.labels.begin();
  ASSERT_LT(oos, 151);
  for (const auto& [split, count] : std::map<std::string, int64_t>{{"train", 100}, {"dev", 100}, {"test", 1000}}) {
    const Dataset data = load(task, split);
    EXPECT_EQ(std::ranges::count(data.examples, static_cast<int32_t>(oos), &Example::label), count) << split;
  }
}

}  // namespace
}  // namespace espalier
