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

TEST(RunsModel, GrowsWithLiveRowsAndNamesTheChain) {
  const test::TempDir folder;
  MethodCatalog catalog;
  RunStore store(folder.path() / "none", &catalog);
  RunsModel model(&store);
  const QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Fatal);
  store.addLive(row("a", "", "", 0.9));
  store.addLive(row("b", "a", "prune.heads", 0.88));
  store.addLive(row("c", "b", "quantize.q8", 0.91));
  store.addLive(row("c", "b", "quantize.q8", 0.91));
  store.addLive(Json::object());
  ASSERT_EQ(model.rowCount(), 3);
  EXPECT_EQ(model.index(0, RunsModel::NameColumn).data().toString(), "baseline");
  EXPECT_EQ(model.index(2, RunsModel::NameColumn).data().toString(), "heads + q8");
  EXPECT_EQ(store.find("c")->name, "prune.heads + quantize.q8");
  EXPECT_EQ(store.find("c")->shortName, "heads + q8");
  EXPECT_EQ(store.find("b")->family, "prune");
  EXPECT_EQ(store.find("c")->family, "combined");
  EXPECT_EQ(model.index(1, RunsModel::DifferenceColumn).data().toString(), QString(QChar(0x2212)) + "2.0");
  EXPECT_TRUE(model.index(1, 0).data(RunsModel::WorseRole).toBool());
  EXPECT_FALSE(model.index(2, 0).data(RunsModel::WorseRole).toBool());
  EXPECT_EQ(model.index(1, RunsModel::SizeColumn).data().toString(), "2.00");
  EXPECT_EQ(model.index(1, RunsModel::LatencyColumn).data().toString(), QString(kUnknownMark));
  EXPECT_EQ(model.indexOfRun("c").row(), 2);
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
  EXPECT_EQ(durationText(41), "0:41");
  EXPECT_EQ(durationText(3730), "1:02:10");
  EXPECT_EQ(shapeText({30522, 384}), QString::fromUtf8("30522 × 384"));
}

}  // namespace
}  // namespace espalier
