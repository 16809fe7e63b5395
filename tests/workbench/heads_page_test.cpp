// The Heads page: criteria, clicks into the recipe, curves as they grow.
#include "app/workbench/pages/heads_page.h"

#include <QCheckBox>
#include <QComboBox>
#include <QPushButton>

#include "tests/workbench/opened_window.h"
#include "widgets/charts/loss_curve.h"
#include "widgets/charts/pair_matrix.h"

namespace espalier {
namespace {

using test::waitFor;

bool stopHalfWay = false;

// Two criteria that rank in opposite order; units are 32 a layer. Stops, if it does, behind the first point of a curve.
Json importanceAnswer(const JobSpec& spec, JobContext& context) {
  const auto of = spec.settings["of"].get<std::string>();
  const int items = of == "heads" ? 4 : of == "units" ? 32 : 1;
  Json answer = {{"of", of},
                 {"criteria", Json::array()},
                 {"examples", 2},
                 {"split", "dev"},
                 {"curve_examples", 2},
                 {"curve_split", "dev"},
                 {"tolerance", 0.01},
                 {"agreement", {{1, -1}, {-1, 1}}}};
  for (const char* id : {"michel", "entropy"}) {
    Json scores = Json::array();
    for (int layer = 0; layer < 2; ++layer) {
      scores.push_back(Json::array());
      for (int i = 0; i < items; ++i) scores[layer].push_back(answer["criteria"].empty() ? layer + i : -layer - i);
    }
    answer["criteria"].push_back({{"criterion", id}, {"scores", scores}, {"seconds", 1.5}});
    context.result({{"kind", "criterion"}, {"criterion", answer["criteria"].back()}});
    if (id == std::string("michel")) answer["criteria"].back()["average"] = spec.settings["average"];
  }
  if (!spec.settings["curve"].get<bool>()) return answer;
  for (Json& criterion : answer["criteria"]) {
    criterion["curve"] = {{{"removed", 0}, {"accuracy", 1.0}}, {{"removed", 4}, {"accuracy", 0.5}}};
    for (const Json& point : criterion["curve"]) {
      context.result({{"kind", "point"}, {"criterion", criterion["criterion"]}, {"point", point}});
      if (stopHalfWay) throw Error(ErrorKind::Device, "the examples ran away");
    }
    criterion["within"] = 3;
    context.result({{"kind", "criterion"}, {"criterion", criterion}});
  }
  return answer;
}

JobKinds worker() {
  JobKinds kinds;
  kinds.add("importance", importanceAnswer);
  return kinds;
}

class HeadsPageTest : public test::OpenedWindow {
 protected:
  HeadsPageTest() : OpenedWindow(worker()) {}
};

TEST_F(HeadsPageTest, HeadsUnitsAndLayersBySeveralCriteria) {
  auto* heads = page<HeadsPage>("heads");
  window->showPage("heads");
  heads->emptyState()->button()->click();
  ASSERT_TRUE(waitFor([&] { return !heads->agreement()->isEmpty(); }));
  ASSERT_EQ(heads->thumbnails().size(), 2u);
  EXPECT_TRUE(heads->agreement()->figureCsv().contains("\"Michel, 1.5 s\",1,-1"))
      << heads->agreement()->figureCsv().toStdString();
  EXPECT_EQ(heads->curve()->pointCount("entropy"), 2);
  EXPECT_TRUE(heads->matrix()->figureCsv().contains("1,3,4,0"));
  // A small picture becomes the large one.
  QTest::mouseClick(heads->thumbnails()[1], Qt::LeftButton);
  EXPECT_TRUE(heads->matrix()->figureCsv().contains("1,3,-4,0")) << heads->matrix()->figureCsv().toStdString();
  window->session()->recipe()->toggleHead(1, 3);
  EXPECT_TRUE(heads->thumbnails()[0]->figureCsv().contains("1,3,4,1")) << "struck out in every picture";

  heads->ofBox()->setCurrentIndex(1);
  EXPECT_TRUE(heads->matrix()->isEmpty()) << "units are not measured yet";
  EXPECT_TRUE(heads->showsContent());
  auto* button = heads->findChild<QPushButton*>("measureHeads");
  ASSERT_NE(button, nullptr);
  button->click();
  ASSERT_TRUE(waitFor([&] { return !heads->agreement()->isEmpty(); }));
  EXPECT_TRUE(heads->matrix()->figureCsv().contains("0,0,0.5,0")) << "two units a group, the least important first";
  // A click on a group lists its units; the same by the other criterion, which ranks the other way round.
  RecipeDocument* recipe = window->session()->recipe();
  const auto clickCell = [&](int layer, int column) {
    QTest::mouseClick(heads->matrix(), Qt::LeftButton, {},
                      heads->matrix()->cellRect(LayerIndex(layer), HeadIndex(column)).center().toPoint());
  };
  clickCell(1, 2);
  EXPECT_EQ(window->session()->selection()->state().layer, 1);
  EXPECT_EQ(recipe->chosenUnits(), (HeadSet{{1, 4}, {1, 5}}));
  EXPECT_EQ(recipe->recipe().steps[1].method, "prune.neurons") << "behind the heads";
  EXPECT_TRUE(heads->thumbnails()[0]->figureCsv().contains("1,2,5.5,1"))
      << heads->thumbnails()[0]->figureCsv().toStdString();
  EXPECT_TRUE(heads->thumbnails()[1]->figureCsv().contains("1,13,-5.5,1"));
  recipe->toggleUnits(1, {4});
  EXPECT_TRUE(heads->thumbnails()[0]->figureCsv().contains("1,2,5.5,0")) << "one of two is no whole group";
  clickCell(1, 2);
  EXPECT_EQ(recipe->chosenUnits(), (HeadSet{{1, 4}, {1, 5}}));
  clickCell(1, 2);
  EXPECT_TRUE(recipe->chosenUnits().empty());
  recipe->undoStack()->undo();
  EXPECT_EQ(recipe->chosenUnits().size(), 2U);
  EXPECT_TRUE(heads->matrix()->figureCsv().contains("1,2,5.5,1"));

  heads->ofBox()->setCurrentIndex(2);
  EXPECT_FALSE(heads->perTokenBox()->isEnabled()) << "a layer has no tokens of its own";
  button->click();
  ASSERT_TRUE(waitFor([&] { return !heads->agreement()->isEmpty(); }));
  clickCell(0, 0);
  EXPECT_EQ(recipe->chosenLayers(), std::set<int>{0});
  EXPECT_EQ(recipe->recipe().steps[2].method, "prune.layers");
  EXPECT_TRUE(heads->matrix()->figureCsv().contains("0,0,0,1"));
  clickCell(0, 0);
  EXPECT_TRUE(recipe->chosenLayers().empty());
  heads->ofBox()->setCurrentIndex(0);
  EXPECT_FALSE(heads->matrix()->isEmpty()) << "what was measured stays";
  EXPECT_TRUE(heads->matrix()->figureCsv().contains("1,3,4,1")) << "and struck out";
}

TEST_F(HeadsPageTest, ACurveGrowsPointByPoint) {
  auto* heads = page<HeadsPage>("heads");
  window->showPage("heads");
  stopHalfWay = true;
  heads->perTokenBox()->setChecked(true);
  heads->emptyState()->button()->click();
  ASSERT_TRUE(waitFor([&] { return heads->bar()->text().contains("ran away"); }));
  stopHalfWay = false;
  EXPECT_EQ(heads->curve()->pointCount("Michel"), 1) << heads->curve()->figureCsv().toStdString();
  EXPECT_EQ(heads->curve()->pointCount("entropy"), 0);
}

TEST_F(HeadsPageTest, MichelsImportanceOfEachTokenSaysSo) {
  auto* heads = page<HeadsPage>("heads");
  window->showPage("heads");
  heads->perTokenBox()->setChecked(true);
  heads->emptyState()->button()->click();
  ASSERT_TRUE(waitFor([&] { return !heads->agreement()->isEmpty(); }));
  EXPECT_TRUE(heads->matrix()->figureTitle().contains("for each token"))
      << heads->matrix()->figureTitle().toStdString();
}

}  // namespace
}  // namespace espalier
