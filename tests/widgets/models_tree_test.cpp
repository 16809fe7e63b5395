#include <QAbstractItemModelTester>
#include <QSortFilterProxyModel>

#include "tests/support/support.h"
#include "tests/widgets/small_model.h"
#include "widgets/models/model_tree_model.h"

namespace espalier {
namespace {

using test::smallModel;

TEST(ModelTree, KeepsTheRulesOfItemModels) {
  ModelTreeModel model;
  const QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Fatal);
  model.setTree(buildModelTree(smallModel()));
  EXPECT_EQ(model.rowCount(), 5);  // embeddings, two layers, pooler, head
  model.setTree(nullptr);
  EXPECT_EQ(model.rowCount(), 0);
}

TEST(ModelTree, CountsASharedWeightOnceInAGroupAndNamesItsPartner) {
  const Model small = smallModel();
  const auto root = buildModelTree(small);
  EXPECT_EQ(root->parameters, num_parameters(small));
  ModelTreeModel model;
  model.setTree(root);
  const QModelIndex index = model.indexOfSlot("encoder.1.attention.q_proj.weight");
  ASSERT_TRUE(index.isValid());
  EXPECT_EQ(model.node(index)->sharedWith, "encoder.0.attention.q_proj.weight");
  EXPECT_EQ(model.node(index)->name, "q_proj.weight");
  EXPECT_EQ(model.node(index)->bytes, 16 * 16 * 4);
  EXPECT_EQ(index.parent().data().toString(), "attention");
  EXPECT_EQ(index.parent().parent().data().toString(), "layer 1");
}

TEST(ModelTree, LedgerAddsUpToTheModel) {
  const Model small = smallModel();
  int64_t parameters = 0;
  for (const LedgerRow& row : buildLedger(small)) {
    parameters += row.parameters;
    EXPECT_EQ(row.attentionBytes + row.ffnBytes + row.otherBytes, row.bytes) << row.name.toStdString();
  }
  EXPECT_EQ(parameters, num_parameters(small));
}

TEST(ModelTree, SearchLeavesMatchingWeightsAndTheirGroups) {
  ModelTreeModel model;
  model.setTree(buildModelTree(smallModel()));
  QSortFilterProxyModel filter;
  filter.setSourceModel(&model);
  filter.setRecursiveFilteringEnabled(true);
  filter.setFilterFixedString("q_proj.weight");
  EXPECT_EQ(filter.rowCount(), 2);  // one in each layer
}

TEST(OpenedModel, OpensABundleAndRefusesAFolderWithoutAModel) {
  const test::TempDir folder;
  save_bundle(smallModel(), folder.path() / "small");
  const OpenedModel opened =
      openModelForWindow(QString::fromStdString((folder.path() / "small").string()), {}, CancelToken());
  EXPECT_EQ(opened.name, "small");
  EXPECT_TRUE(opened.bundle);
  EXPECT_EQ(opened.bytes, bundle_bytes(folder.path() / "small"));
  EXPECT_EQ(opened.tokenizer, nullptr);
  EXPECT_FALSE(opened.tokenizerProblem.isEmpty());
  const Error error = test::expect_error(
      [&] { openModelForWindow(QString::fromStdString(folder.path().string()), {}, CancelToken()); });
  EXPECT_NE(std::string(error.what()).find(folder.path().string()), std::string::npos);
  test::expect_error([] { openModelForWindow("lab", {}, CancelToken()); });
}

}  // namespace
}  // namespace espalier
