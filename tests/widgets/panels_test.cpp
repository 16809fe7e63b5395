#include <QAction>
#include <QLabel>
#include <QLineEdit>
#include <QListView>
#include <QMenu>
#include <QPushButton>
#include <QSpinBox>
#include <QTreeView>

#include "tests/support/support.h"
#include "tests/widgets/small_model.h"
#include "widgets/forms/setting_editor.h"
#include "widgets/forms/setting_form.h"
#include "widgets/models/job_center.h"
#include "widgets/models/method_catalog.h"
#include "widgets/models/recipe_checker.h"
#include "widgets/models/recipe_document.h"
#include "widgets/models/selection.h"
#include "widgets/models/sentence_model.h"
#include "widgets/panels/estimate_view.h"
#include "widgets/panels/jobs_panel.h"
#include "widgets/panels/ledger_view.h"
#include "widgets/panels/message_bar.h"
#include "widgets/panels/model_panel.h"
#include "widgets/panels/properties_panel.h"
#include "widgets/panels/recipe_panel.h"
#include "widgets/panels/sentence_bar.h"

namespace espalier {
namespace {

using test::waitFor;

OpenedModelPtr openedSmallModel() {
  auto opened = std::make_shared<OpenedModel>();
  opened->location = "small";
  opened->name = "small";
  opened->model = test::smallModel();
  opened->tree = buildModelTree(opened->model);
  opened->ledger = buildLedger(opened->model);
  opened->map = std::make_shared<const ModelMap>(buildModelMap(opened->model));
  opened->parameters = num_parameters(opened->model);
  return opened;
}

TEST(MessageBar, ShowsTheErrorAndItsNextStep) {
  MessageBar bar;
  EXPECT_TRUE(bar.isHidden());
  int pressed = 0;
  bar.showMessage(MessageBar::Kind::Error, "The worker was killed.", "Continue", [&] { ++pressed; });
  EXPECT_FALSE(bar.isHidden());
  EXPECT_EQ(bar.text(), "The worker was killed.");
  EXPECT_TRUE(bar.accessibleName().contains("Error"));
  bar.actionButton()->click();
  EXPECT_EQ(pressed, 1);
  EXPECT_TRUE(bar.isHidden());
}

TEST(ModelPanel, TreeAndSelectionFollowEachOther) {
  Selection selection;
  ModelPanel panel(&selection);
  panel.setModel(openedSmallModel());
  QTreeView* tree = panel.tree();
  selection.selectSlot("encoder.1.ffn.in_proj.weight", 1);
  EXPECT_EQ(tree->currentIndex().data(ModelTreeModel::SlotRole).toString(), "encoder.1.ffn.in_proj.weight");
  tree->setCurrentIndex(tree->model()->index(1, 0));
  EXPECT_EQ(selection.state().layer, 0);
  EXPECT_TRUE(selection.state().slot.isEmpty());
  panel.searchField()->setText("word");
  EXPECT_EQ(tree->model()->rowCount(), 1);
  // A weight's full name finds it too, though the tree writes it in pieces.
  panel.searchField()->setText("encoder.1.att");
  ASSERT_EQ(tree->model()->rowCount(), 1);
  EXPECT_EQ(tree->model()->index(0, 0).data().toString(), "layer 1");
}

TEST(PropertiesPanel, ShowsShapeAtOnceAndNormsWhenRead) {
  Selection selection;
  PropertiesPanel panel(&selection);
  panel.setModel(openedSmallModel());
  EXPECT_EQ(panel.valueOf("Layers"), "2");
  selection.selectSlot("encoder.1.attention.q_proj.weight", 1);
  EXPECT_EQ(panel.valueOf("Shape"), QString::fromUtf8("16 × 16"));
  EXPECT_EQ(panel.valueOf("Shared with"), "encoder.0.attention.q_proj.weight");
  ASSERT_TRUE(waitFor([&] { return !panel.valueOf("L2 norm").isEmpty(); }));
  EXPECT_EQ(panel.valueOf("Zeros"), QStringLiteral("0.0") + QChar::Nbsp + "%");
  selection.selectLayer(0);
  EXPECT_EQ(panel.valueOf("Heads"), "4 of width 4");
}

class Recipes : public testing::Test {
 protected:
  Recipes() {
    catalog.setAnswer(Json::parse(R"({"methods": [
      {"id": "prune.heads", "title": "Heads", "family": "prune", "summary": "Removes heads.", "settings": [
        {"key": "fraction", "type": "real", "default": 0.25, "minimum": 0, "maximum": 1, "label": "Share",
         "help": "Of all heads.", "level": "basic"}]},
      {"id": "quantize.q8", "title": "Eight bits", "family": "quantize", "settings": []}]})"));
  }
  JobCenter jobs{[] { return make_inline_runner(JobKinds()); }};
  MethodCatalog catalog;
  RecipeDocument document;
  RecipeChecker checker{&document, &catalog, &jobs};
  Selection selection;
  RecipePanel panel{&document, &catalog, &checker, &selection};
};

TEST_F(Recipes, StepsAreAddedFromTheMenuAndEditedInTheForm) {
  ASSERT_EQ(catalog.state(), MethodCatalog::State::Ready) << catalog.failure().toStdString();
  QList<QAction*> methods;
  for (QAction* action : panel.addMenu()->actions()) {
    if (action->data().isValid()) methods << action;
  }
  ASSERT_EQ(methods.size(), 2);
  methods[1]->trigger();
  methods[0]->trigger();
  EXPECT_EQ(document.recipe().steps[1].method, "prune.heads");
  EXPECT_EQ(panel.currentStep(), 1) << "a new step is shown";
  auto* box = qobject_cast<NumberBox*>(panel.form()->editor("fraction")->focusProxy());
  ASSERT_NE(box, nullptr);
  box->setValue(0.5);
  EXPECT_EQ(document.recipe().steps[1].settings["fraction"], 0.5);
  box->setValue(7);
  EXPECT_FALSE(panel.form()->issueText("fraction").isEmpty());
  document.undoStack()->undo();
  EXPECT_EQ(box->value(), 0.25);
  EXPECT_TRUE(panel.form()->issueText("fraction").isEmpty());
}

TEST_F(Recipes, ActionsSayWhyTheyAreOff) {
  for (QAction* action :
       {panel.moveUpAction(), panel.moveDownAction(), panel.duplicateAction(), panel.deleteAction()}) {
    EXPECT_FALSE(action->isEnabled());
    EXPECT_FALSE(action->toolTip().isEmpty());
  }
  document.addStep("prune.heads");
  document.addStep("quantize.q8");
  panel.setCurrentStep(1);
  EXPECT_TRUE(panel.moveUpAction()->isEnabled());
  EXPECT_FALSE(panel.moveDownAction()->isEnabled());
  panel.moveUpAction()->trigger();
  EXPECT_EQ(document.recipe().steps[0].method, "quantize.q8");
  EXPECT_EQ(panel.currentStep(), 0);
  panel.deleteAction()->trigger();
  EXPECT_EQ(document.numSteps(), 1);
}

TEST(EstimateView, SaysWhatTheRecipeWouldGive) {
  JobKinds kinds;
  kinds.add("check", [](const JobSpec&, JobContext&) {
    return Json::parse(R"({"issues": [], "estimates": [
      {"bundle_bytes": 90900000, "parameters": 22700000, "macs": 2720000000},
      {"bundle_bytes": 21400000, "parameters": 20000000, "macs": 2100000000, "job_seconds": 75}]})");
  });
  JobCenter jobs([kinds] { return make_inline_runner(kinds); });
  MethodCatalog catalog;
  RecipeDocument document;
  RecipeChecker checker(&document, &catalog, &jobs);
  EstimateView view(&checker);
  EXPECT_FALSE(view.statusText().isEmpty());
  checker.setEnabled(true);
  document.addStep("prune.heads");
  ASSERT_TRUE(waitFor([&] { return checker.state() == RecipeChecker::State::Ready; }));
  EXPECT_EQ(view.lineText("Size").replace(QChar::Nbsp, ' '), QString::fromUtf8("90.9 MB → 21.4 MB"));
  EXPECT_EQ(view.lineText("MACs").replace(QChar::Nbsp, ' '), QString::fromUtf8("2.72 G → 2.10 G"));
  EXPECT_TRUE(view.statusText().contains("1:15")) << view.statusText().toStdString();
}

TEST(JobsPanel, CancelsTheChosenJobAndSaysWhyItCannot) {
  JobKinds kinds;
  kinds.add("quick", [](const JobSpec&, JobContext&) { return Json::object(); });
  JobCenter jobs([kinds] { return make_inline_runner(kinds); });
  JobsPanel panel(&jobs);
  EXPECT_FALSE(panel.cancelAction()->isEnabled());
  EXPECT_FALSE(panel.cancelAction()->toolTip().isEmpty());
  QObject receiver;
  JobSpec spec;
  spec.kind = "quick";
  const quint64 id = jobs.start(spec, JobLane::Work, "Quick", &receiver, {});
  EXPECT_EQ(panel.currentJob(), id);
  EXPECT_TRUE(panel.cancelAction()->isEnabled());
  ASSERT_TRUE(waitFor([&] { return !jobs.hasUnfinished(); }));
  EXPECT_FALSE(panel.cancelAction()->isEnabled());
}

TEST(SentenceBar, TypedTextBecomesTheSentence) {
  JobCenter jobs([] { return make_inline_runner(JobKinds()); });
  Selection selection;
  SentenceModel model(&jobs, &selection);
  SentenceBar bar(&model);
  EXPECT_FALSE(bar.exampleField()->isEnabled());
  EXPECT_FALSE(bar.exampleField()->toolTip().isEmpty());
  bar.textField()->setText("a fine film");
  QTest::keyClick(bar.textField(), Qt::Key_Return);
  EXPECT_EQ(model.sentence().text, "a fine film");
}

TEST(LedgerView, ARowSelectsItsLayer) {
  LedgerView view;
  EXPECT_TRUE(view.isEmpty());
  view.setLedger(openedSmallModel()->ledger);
  view.resize(view.sizeHint());
  int layer = -2;
  QObject::connect(&view, &LedgerView::layerSelected, [&](int selected) { layer = selected; });
  QTest::mouseClick(&view, Qt::LeftButton, {}, view.rowRect(2).center().toPoint());
  EXPECT_EQ(layer, 1);
  QTest::mouseClick(&view, Qt::LeftButton, {}, view.rowRect(0).center().toPoint());
  EXPECT_EQ(layer, -1);
  EXPECT_TRUE(view.figureCsv().startsWith("name,bytes"));
}

}  // namespace
}  // namespace espalier
