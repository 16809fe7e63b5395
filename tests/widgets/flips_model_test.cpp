#include <gtest/gtest.h>

#include <QAbstractItemModelTester>

#include "base/json.h"
#include "tests/support/support.h"
#include "widgets/models/flips_model.h"

namespace espalier {
namespace {

Json answer() {
  return Json::parse(R"({"examples": 100, "lost": 2, "gained": 1, "moved": 0, "baseline_accuracy": 0.91,
    "accuracy": 0.9, "mcnemar_p": 1.0, "labels": ["negative", "positive"],
    "between": [[40, 2], [1, 57]], "confusion": [[41, 4], [6, 49]],
    "slices": [{"by": "word", "name": "not", "examples": 9, "lost": 1, "gained": 0, "moved": 0,
                "baseline_accuracy": 0.8, "accuracy": 0.7, "mcnemar_p": 1.0, "members": [3, 8]}],
    "rows": [
     {"index": 3, "kind": "lost", "text": "not a dull film", "gold": 1, "baseline_answer": 1, "answer": 0,
      "baseline_probability": 0.9, "probability": 0.8, "baseline_loss": 0.1, "loss": 1.6},
     {"index": 5, "kind": "gained", "text": "a fine film", "pair": "not so", "gold": 1, "baseline_answer": 0,
      "answer": 1, "baseline_probability": 0.6, "probability": 0.7, "baseline_loss": 0.9, "loss": 0.36},
     {"index": 8, "kind": "lost", "text": "\u05e1\u05e8\u05d8 \u05d8\u05d5\u05d1", "gold": 0, "baseline_answer": 0,
      "answer": 1, "baseline_probability": 0.99, "probability": 0.97, "baseline_loss": 0.01, "loss": 3.5},
     {"index": 9, "kind": "same_right", "text": "x", "gold": 0, "baseline_answer": 0, "answer": 0,
      "baseline_probability": 1, "probability": 1, "baseline_loss": 0, "loss": 0}]})");
}

TEST(FlipsModel, ShowsTheWorstFirst) {
  const FlipsReport report = readFlips(answer());
  EXPECT_EQ(report.all.lost, 2);
  ASSERT_EQ(report.examples.size(), 3u) << "what did not change is left out";
  FlipsModel model;
  const QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Fatal);
  FlipsFilter filter(&model);
  model.setReport(report.examples, report.labels);
  const auto text = [&](int row, int column) { return filter.index(row, column).data().toString(); };
  ASSERT_EQ(filter.rowCount(), 3);
  EXPECT_EQ(filter.index(0, 0).data(FlipsModel::ExampleRole).toLongLong(), 8);
  EXPECT_EQ(text(1, FlipsModel::TextColumn), "not a dull film");
  EXPECT_EQ(text(1, FlipsModel::ChangeColumn), "lost");
  EXPECT_EQ(text(1, FlipsModel::BeforeColumn), "positive 0.90");
  EXPECT_EQ(text(1, FlipsModel::AfterColumn), "negative 0.80");
  EXPECT_EQ(text(1, FlipsModel::LossColumn), "+1.50");
  EXPECT_EQ(text(2, FlipsModel::TextColumn), QStringLiteral("a fine film \u00b7 not so"));
}

TEST(FlipsModel, IsCutByKindCellAndSlice) {
  const FlipsReport report = readFlips(answer());
  FlipsModel model;
  FlipsFilter filter(&model);
  model.setReport(report.examples, report.labels);
  filter.setChange(FlipChange::Gained, false);
  EXPECT_EQ(filter.rowCount(), 2);
  filter.setCell(-1, 1, 0);
  ASSERT_EQ(filter.rowCount(), 1);
  EXPECT_EQ(filter.index(0, 0).data(FlipsModel::ExampleRole).toLongLong(), 3);
  filter.setCell(0, -1, 1);
  ASSERT_EQ(filter.rowCount(), 1);
  EXPECT_EQ(filter.index(0, 0).data(FlipsModel::ExampleRole).toLongLong(), 8);
  filter.setCell(-1, -1, -1);
  filter.setChange(FlipChange::Gained, true);
  ASSERT_EQ(report.slices.size(), 1u);
  filter.setMembers(report.slices[0].members);
  EXPECT_EQ(filter.rowCount(), 2);
  filter.setMembers(std::nullopt);
  EXPECT_EQ(filter.rowCount(), 3);
}

TEST(FlipsModel, RefusesAnotherAnswer) {
  EXPECT_EQ(test::expect_error([] { readFlips(Json::parse(R"({"rows": []})")); }).kind(), ErrorKind::Format);
}

}  // namespace
}  // namespace espalier
