#include <QAbstractItemModelTester>

#include "tests/support/support.h"
#include "tests/widgets/small_model.h"
#include "widgets/models/display_text.h"
#include "widgets/models/method_catalog.h"
#include "widgets/models/runs_model.h"
#include "workspace/workspace.h"

namespace espalier {
namespace {

using test::waitFor;

Json row(const char* hash, const char* parent, const char* method, double accuracy) {
  return {{"hash", hash},
          {"parent", parent},
          {"method", method},
          {"settings", Json::object()},
          {"accuracy", accuracy},
          {"accuracy_low", accuracy - 0.02},
          {"accuracy_high", accuracy + 0.02},
          {"bundle_bytes", 2e6},
          {"mcnemar_p", 0.01}};
}

class RunsTree : public testing::Test {
 protected:
  QString text(const char* hash, int column) const {
    return model.indexOfRun(hash).siblingAtColumn(column).data().toString();
  }
  QString parentOf(const char* hash) const {
    return model.indexOfRun(hash).parent().data(RunsModel::HashRole).toString();
  }

  test::TempDir folder;
  MethodCatalog catalog;
  RunStore store{folder.path() / "none", &catalog};
  RunsModel model{&store};
  QAbstractItemModelTester tester{&model, QAbstractItemModelTester::FailureReportingMode::Fatal};
};

TEST_F(RunsTree, GrowsWithLiveRowsAndNamesTheChain) {
  store.addLive(row("a", "", "", 0.9));
  store.addLive(row("b", "a", "prune.heads", 0.88));
  const QPersistentModelIndex kept = model.indexOfRun("b");
  store.addLive(row("c", "b", "quantize.q8", 0.91));
  store.addLive(row("c", "b", "quantize.q8", 0.91));
  store.addLive(row("d", "a", "quantize.q8", 0.9));
  store.addLive(Json::object());
  // The recipes "heads + q8" and "q8" share the baseline.
  ASSERT_EQ(model.rowCount(), 1);
  EXPECT_EQ(model.rowCount(model.indexOfRun("a")), 2);
  EXPECT_EQ(parentOf("b"), "a");
  EXPECT_EQ(parentOf("c"), "b");
  EXPECT_EQ(parentOf("d"), "a");
  EXPECT_TRUE(kept.isValid()) << "a row that arrives leaves the others where they are";
  EXPECT_EQ(text("a", RunsModel::NameColumn), "baseline");
  EXPECT_EQ(text("c", RunsModel::NameColumn), "quantize.q8");
  EXPECT_EQ(model.indexOfRun("c").data(RunsModel::FullNameRole), "prune.heads + quantize.q8");
  EXPECT_EQ(store.find("c")->shortName, "heads + q8");
  EXPECT_EQ(store.find("b")->family, "prune");
  EXPECT_EQ(store.find("c")->family, "combined");
  EXPECT_EQ(text("b", RunsModel::DifferenceColumn), QString(QChar(0x2212)) + "2.0");
  EXPECT_EQ(text("a", RunsModel::DifferenceColumn), "");
  EXPECT_TRUE(model.indexOfRun("b").data(RunsModel::WorseRole).toBool());
  EXPECT_FALSE(model.indexOfRun("c").data(RunsModel::WorseRole).toBool());
  EXPECT_EQ(text("b", RunsModel::SizeColumn), "2.00");
  EXPECT_EQ(text("b", RunsModel::LatencyColumn), QString(kUnknownMark));
  EXPECT_EQ(text("b", RunsModel::FasterColumn), QString(kUnknownMark));
}

TEST_F(RunsTree, TheSpeedupIsThePairTimedInTurnNotTwoLatenciesDivided) {
  Json baseline = row("a", "", "", 0.9);
  baseline["latency_ms_p50"] = 4.0;
  Json step = row("b", "a", "quantize.q8", 0.9);
  step["latency_ms_p50"] = 4.0;
  step["bundle_bytes"] = 0.5e6;
  step["speedup"] = 1.7;
  store.addLive(baseline);
  store.addLive(step);
  EXPECT_EQ(text("b", RunsModel::FasterColumn), "1.70");
  EXPECT_EQ(text("a", RunsModel::FasterColumn), "");
  EXPECT_EQ(text("b", RunsModel::SmallerColumn), "4.00");
  EXPECT_DOUBLE_EQ(model.indexOfRun("b").siblingAtColumn(RunsModel::FasterColumn).data(RunsModel::SortRole).toDouble(),
                   1.7);
}

TEST_F(RunsTree, AStepComparesWithTheBaselineItDescendsFrom) {
  store.addLive(row("new", "", "", 0.8));
  store.addLive(row("old", "", "", 0.9));
  store.addLive(row("b", "old", "quantize.q8", 0.9));
  EXPECT_EQ(model.rowCount(), 2);
  EXPECT_EQ(text("b", RunsModel::DifferenceColumn), "0.0");
  EXPECT_EQ(store.baselineOf(*store.find("b"))->hash, "old");
}

TEST_F(RunsTree, AParentThatComesLateAndDamagedParentsLoseNoRow) {
  store.addLive(row("b", "a", "quantize.q8", 0.9));
  EXPECT_EQ(parentOf("b"), "");
  store.addLive(row("a", "", "", 0.9));
  EXPECT_EQ(parentOf("b"), "a");
  // Two steps that each claim to come from the other.
  store.addLive(row("x", "y", "quantize.q8", 0.9));
  store.addLive(row("y", "x", "quantize.q8", 0.9));
  store.addLive(row("self", "self", "quantize.q8", 0.9));
  for (const char* hash : {"a", "b", "x", "y", "self"}) EXPECT_TRUE(model.indexOfRun(hash).isValid()) << hash;
}

TEST_F(RunsTree, AnotherTaskEmptiesIt) {
  store.addLive(row("a", "", "", 0.9));
  store.addLive(row("b", "a", "quantize.q8", 0.9));
  store.setTarget("model", "task");
  EXPECT_EQ(model.rowCount(), 0);
  EXPECT_FALSE(model.indexOfRun("a").isValid());
  EXPECT_EQ(store.find("a"), nullptr);
}

TEST(RunsModel, ADamagedRowHasUnknownNumbers) {
  const RunRow damaged = runRowFromJson(Json::parse(R"({"hash": "x", "accuracy": "high", "notes": 3})"));
  EXPECT_EQ(damaged.hash, "x");
  EXPECT_TRUE(std::isnan(damaged.accuracy));
  EXPECT_TRUE(damaged.notes.isEmpty());
}

TEST(RunStore, ReadsTheRunsOfThisModelAndTaskOnly) {
  const test::TempDir folder;
  {
    Workspace workspace(folder.path());
    for (const char* model : {"mine", "other"}) {
      Recipe recipe;
      recipe.model = model;
      recipe.task = "lab";
      const int64_t run = workspace.create_run(recipe, "r");
      StepRecord record;
      record.hash = std::string("hash-") + model;
      workspace.store_step(record, test::smallModel(), CancelToken());
      workspace.set_measures(record.hash, row(record.hash.c_str(), "", "", 0.9));
      workspace.append_step(run, record.hash);
      workspace.finish_run(run, "done");
    }
  }
  MethodCatalog catalog;
  RunStore store(folder.path(), &catalog);
  store.setTarget("mine", "lab");
  ASSERT_TRUE(waitFor([&] { return !store.rows().empty(); }));
  ASSERT_EQ(store.rows().size(), 1u);
  EXPECT_EQ(store.rows()[0].hash, "hash-mine");
  EXPECT_EQ(store.rows()[0].recipes, QStringList{"r"});
  EXPECT_DOUBLE_EQ(store.rows()[0].accuracy, 0.9);
  ASSERT_EQ(store.runs().size(), 1u);
  EXPECT_EQ(store.runs()[0].state, "done");
  store.setTarget("mine", "elsewhere");
  EXPECT_TRUE(store.rows().empty());
}

TEST(DisplayText, WritesQuantities) {
  EXPECT_EQ(countText(512), "512");
  EXPECT_EQ(countText(22.7e6), QStringLiteral("22.7") + QChar::Nbsp + "M");
  EXPECT_EQ(countText(-1), QString(kUnknownMark));
  EXPECT_EQ(pointsText(0.004), "+0.4");
  EXPECT_EQ(pointsText(-0.0001), "0.0");
  EXPECT_EQ(timeText(0.0243), QStringLiteral("24.3\u00a0µs"));
  EXPECT_EQ(timeText(1.264), QStringLiteral("1.26\u00a0ms"));
  EXPECT_EQ(durationText(41), "0:41");
  EXPECT_EQ(durationText(3730), "1:02:10");
  EXPECT_EQ(shapeText({30522, 384}), QString::fromUtf8("30522 × 384"));
}

}  // namespace
}  // namespace espalier
