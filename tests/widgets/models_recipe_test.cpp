#include <QAbstractItemModelTester>
#include <QMimeData>
#include <QSignalSpy>

#include "base/json.h"
#include "tests/support/support.h"
#include "widgets/models/method_catalog.h"
#include "widgets/models/recipe_document.h"
#include "widgets/models/recipe_steps_model.h"

namespace espalier {
namespace {

std::vector<std::string> methodsOf(const RecipeDocument& document) {
  std::vector<std::string> methods;
  for (const Step& step : document.recipe().steps) methods.push_back(step.method);
  return methods;
}

using Names = std::vector<std::string>;

TEST(RecipeDocument, EveryEditIsUndoneAndRedone) {
  RecipeDocument document;
  std::vector<Recipe> states{document.recipe()};
  const std::vector<std::function<void()>> edits = {
      [&] { document.addStep("prune.heads"); },
      [&] { document.addStep("quantize.q8"); },
      [&] { document.addStep("factorize.svd", 1); },
      [&] { document.setSetting(1, "rank", 12); },
      [&] { document.moveStep(1, 2); },
      [&] { document.duplicateStep(0); },
      [&] { document.setStepEnabled(3, false); },
      [&] { document.setScope(0, Scope{.layers = {1}, .parts = {}, .slots = {}}); },
      [&] { document.clearSetting(3, "rank"); },
      [&] { document.removeStep(0); },
      [&] { document.setName("small"); },
      [&] { document.setSeed(5); },
      [&] { document.toggleHead(1, 3); },
      [&] {
        document.toggleUnits(0, {2, 3});
      },
      [&] { document.toggleLayer(1); },
      [&] { document.replace(Recipe(), "new recipe"); },
  };
  for (const auto& edit : edits) {
    edit();
    ASSERT_NE(document.recipe(), states.back());
    states.push_back(document.recipe());
  }
  for (size_t i = states.size() - 1; i-- > 0;) {
    document.undoStack()->undo();
    EXPECT_EQ(document.recipe(), states[i]) << i;
  }
  EXPECT_FALSE(document.undoStack()->canUndo());
  for (size_t i = 1; i < states.size(); ++i) {
    document.undoStack()->redo();
    EXPECT_EQ(document.recipe(), states[i]) << i;
  }
}

TEST(RecipeDocument, TypingIntoOneSettingIsOneCommand) {
  RecipeDocument document;
  document.addStep("prune.heads");
  for (const double value : {0.2, 0.25, 0.254}) document.setSetting(0, "fraction", value);
  EXPECT_EQ(document.undoStack()->count(), 2);
  document.setSetting(0, "epochs", 2);
  EXPECT_EQ(document.undoStack()->count(), 3);
  document.undoStack()->undo();
  document.undoStack()->undo();
  EXPECT_TRUE(document.recipe().steps[0].settings.empty());
}

TEST(RecipeDocument, MovesToTheRowAskedFor) {
  RecipeDocument document;
  for (const char* method : {"a", "b", "c"}) document.addStep(method);
  document.moveStep(0, 2);
  EXPECT_EQ(methodsOf(document), (Names{"b", "c", "a"}));
  document.moveStep(2, 0);
  EXPECT_EQ(methodsOf(document), (Names{"a", "b", "c"}));
  document.moveStep(0, 3);
  document.moveStep(-1, 0);
  EXPECT_EQ(methodsOf(document), (Names{"a", "b", "c"}));
}

TEST(RecipeDocument, TogglingHeadsMakesAndRemovesTheStep) {
  RecipeDocument document;
  document.addStep("quantize.q8");
  EXPECT_EQ(document.toggleHead(0, 2), 0);
  EXPECT_EQ(methodsOf(document), (Names{"prune.heads", "quantize.q8"}));
  document.toggleHead(1, 1);
  EXPECT_EQ(document.recipe().steps[0].settings, Json::parse(R"({"heads": [[0, 2], [1, 1]]})"));
  EXPECT_EQ(document.chosenHeads(), (HeadSet{{0, 2}, {1, 1}}));
  document.toggleHead(0, 2);
  EXPECT_EQ(document.chosenHeads(), (HeadSet{{1, 1}}));
  // Without its last head the step would fall back to a share of all heads, so it goes.
  document.toggleHead(1, 1);
  EXPECT_EQ(methodsOf(document), (Names{"quantize.q8"}));
}

TEST(RecipeDocument, ListedUnitsAndLayersFollowListedHeads) {
  RecipeDocument document;
  document.addStep("quantize.q8");
  EXPECT_EQ(document.toggleLayer(5), 0);
  EXPECT_EQ(document.toggleUnits(1, {7, 9}), 0);
  EXPECT_EQ(document.toggleHead(0, 2), 0);
  EXPECT_EQ(methodsOf(document), (Names{"prune.heads", "prune.neurons", "prune.layers", "quantize.q8"}));
  EXPECT_EQ(document.toggleLayer(2), 2);
  EXPECT_EQ(document.recipe().steps[1].settings, Json::parse(R"({"units": [[1, 7], [1, 9]]})"));
  EXPECT_EQ(document.recipe().steps[2].settings, Json::parse(R"({"layers": "2, 5"})"));
  // Some of them are listed: the others join. All of them: they leave.
  document.toggleUnits(1, {9, 10});
  EXPECT_EQ(document.chosenUnits(), (HeadSet{{1, 7}, {1, 9}, {1, 10}}));
  document.toggleUnits(1, {7, 9, 10});
  EXPECT_EQ(methodsOf(document), (Names{"prune.heads", "prune.layers", "quantize.q8"}));
  EXPECT_EQ(document.chosenLayers(), (std::set<int>{2, 5}));
  document.setSetting(1, "fraction", 0.5);
  document.toggleLayer(2);
  document.toggleLayer(5);
  EXPECT_EQ(document.recipe().steps[1].settings, Json::parse(R"({"fraction": 0.5})")) << "it said something else";
}

TEST(RecipeDocument, AStepSwitchedOffDoesNotCountAsChosenHeads) {
  RecipeDocument document;
  document.toggleHead(0, 0);
  document.setStepEnabled(0, false);
  EXPECT_TRUE(document.chosenHeads().empty());
}

TEST(RecipeDocument, TheTargetIsKeptAndNotUndone) {
  RecipeDocument document;
  document.setTarget("/m", "lab", "cpu");
  document.addStep("prune.heads");
  Recipe other;
  other.model = "/elsewhere";
  other.steps = {Step{}};
  document.replace(other, "open");
  EXPECT_EQ(document.recipe().model, "/m");
  document.undoStack()->undo();
  document.undoStack()->undo();
  EXPECT_EQ(document.recipe().model, "/m");
}

class StepsModel : public testing::Test {
 protected:
  RecipeDocument document;
  MethodCatalog catalog;
  RecipeStepsModel model{&document, &catalog};
  QAbstractItemModelTester tester{&model, QAbstractItemModelTester::FailureReportingMode::Fatal};
};

TEST_F(StepsModel, FollowsEveryEdit) {
  for (const char* method : {"a", "b", "c", "d"}) document.addStep(method);
  EXPECT_EQ(model.rowCount(), 4);
  document.moveStep(0, 3);
  EXPECT_EQ(model.index(3).data(RecipeStepsModel::MethodRole).toString(), "a");
  document.removeStep(1);
  document.duplicateStep(0);
  document.setSetting(0, "fraction", 0.5);
  EXPECT_EQ(model.index(0).data(RecipeStepsModel::SummaryRole).toString(), "fraction 0.5");
  while (document.undoStack()->canUndo()) document.undoStack()->undo();
  EXPECT_EQ(model.rowCount(), 0);
}

TEST_F(StepsModel, ACheckSwitchesTheStepAndADropMovesIt) {
  for (const char* method : {"a", "b", "c"}) document.addStep(method);
  model.setData(model.index(1), Qt::Unchecked, Qt::CheckStateRole);
  EXPECT_FALSE(document.recipe().steps[1].enabled);
  const std::unique_ptr<QMimeData> data(model.mimeData({model.index(0)}));
  // Dropped between b and c; the view must not remove the row as well.
  EXPECT_FALSE(model.dropMimeData(data.get(), Qt::MoveAction, 2, 0, {}));
  EXPECT_EQ(methodsOf(document), (Names{"b", "a", "c"}));
}

TEST(HeadList, ReadsWhatPeopleType) {
  EXPECT_EQ(headsFromText("0.3, 1.7"), (HeadSet{{0, 3}, {1, 7}}));
  EXPECT_EQ(headsFromText(""), HeadSet{});
  EXPECT_EQ(headsFromText("0.3 x"), std::nullopt);
  EXPECT_EQ(headsFromText("3"), std::nullopt);
  EXPECT_EQ(headsToText({{1, 7}, {0, 3}}), "0.3, 1.7");
  EXPECT_EQ(headsToText({{0, 3}, {1, 4}, {1, 5}, {1, 6}, {1, 8}, {1, 9}, {2, 10}}), "0.3, 1.4-6, 1.8, 1.9, 2.10");
  EXPECT_EQ(headsFromText("1.4-6 2.10"), (HeadSet{{1, 4}, {1, 5}, {1, 6}, {2, 10}}));
  EXPECT_EQ(headsFromText("1.6-4"), std::nullopt);
  EXPECT_EQ(layersFromText("2, 5 - 7"), (std::vector<int32_t>{2, 5, 6, 7}));
  EXPECT_EQ(headsFromJson(headsToJson({{1, 7}})), (HeadSet{{1, 7}}));
  EXPECT_EQ(headsFromJson(Json::parse(R"([[1], "x", [2, 3]])")), (HeadSet{{2, 3}}));
}

TEST(SettingsSummary, NamesOnlyWhatDiffersFromTheDefaults) {
  MethodEntry method;
  method.settings.resize(2);
  method.settings[0].key = "fraction";
  method.settings[0].default_value = 0.25;
  method.settings[1].key = "max_steps";
  method.settings[1].default_value = 0;
  const Json settings = {{"fraction", 0.25}, {"max_steps", 40}, {"heads", Json::array()}};
  EXPECT_EQ(settingsSummary(settings, &method), "max steps 40");
  EXPECT_EQ(settingsSummary(settings, nullptr), "fraction 0.25, max steps 40");
}

TEST(MethodCatalog, TakesAnAnswerAndRefusesANonsenseOne) {
  MethodCatalog catalog;
  catalog.setAnswer(Json::parse(R"({"methods": [{"id": "prune.heads", "family": "prune", "title": "Heads",
      "settings": []}, {"id": "quantize.q8", "family": "quantize"}]})"));
  ASSERT_EQ(catalog.state(), MethodCatalog::State::Ready);
  EXPECT_EQ(catalog.families(), (QStringList{"prune", "quantize"}));
  EXPECT_EQ(catalog.find("prune.heads")->title, "Heads");
  EXPECT_EQ(catalog.find("x"), nullptr);
  catalog.setAnswer(Json::parse(R"({"methods": [{"title": "no id"}]})"));
  EXPECT_EQ(catalog.state(), MethodCatalog::State::Failed);
  EXPECT_NE(catalog.failure().indexOf("id"), -1);
}

}  // namespace
}  // namespace espalier
