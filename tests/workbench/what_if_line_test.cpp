// The line over the estimate that says what accuracy becomes by what the recipe lists.
#include <QDir>
#include <QFile>

#include "app/workbench/main_window.h"
#include "app/workbench/pages/page.h"
#include "app/workbench/what_if_line.h"
#include "tests/support/support.h"
#include "tests/widgets/small_model.h"
#include "widgets/panels/recipe_panel.h"

namespace espalier {
namespace {

using test::waitFor;

class WhatIfLineTest : public testing::Test {
 protected:
  void SetUp() override {
    save_bundle(test::smallModel(), folder.path() / "small");
    QDir(path("")).mkdir("task");
    for (const char* name : {"task/train.tsv", "task/dev.tsv"}) {
      QFile file(path(name));
      ASSERT_TRUE(file.open(QIODevice::WriteOnly));
      file.write("sentence\tlabel\na fine film\t1\na dull film\t0\n");
    }
    MainWindowOptions options;
    options.session.workspace = folder.path() / "workspace";
    options.session.makeRunner = [this] { return make_inline_runner(worker()); };
    options.settingsFile = path("settings.ini");
    window = std::make_unique<MainWindow>(std::move(options));
    window->show();
    window->begin(path("small"));
    ASSERT_TRUE(waitFor([&] { return window->session()->model() != nullptr; }));
    openTask();
    line = window->recipePanel()->findChild<WhatIfLine*>();
    ASSERT_NE(line, nullptr);
  }

  void openTask() {
    window->session()->openTask(path("task"));
    ASSERT_TRUE(waitFor([&] { return window->session()->task().has_value(); }));
  }

  // Costs a tenth for every head, or for another part, seen first on 40 examples, then exactly.
  JobKinds worker() {
    JobKinds kinds;
    kinds.add("methods", [](const JobSpec&, JobContext&) { return Json::parse(R"({"methods": []})"); });
    kinds.add("check", [](const JobSpec&, JobContext&) { return Json::parse(R"({"issues": [], "estimates": []})"); });
    kinds.add("whatif", [this](const JobSpec& spec, JobContext& context) {
      if (spec.settings.contains("open_only")) {
        ++opened;
        return Json::object();
      }
      const Json parts = spec.settings.at("edits")[0];
      asked.push_back(parts);
      double accuracy = 0.9;
      for (const Json& part : parts) {
        accuracy -= 0.1 * (part.contains("heads") ? static_cast<double>(part.at("heads").size()) : 1);
      }
      Json estimate = {{"kind", "estimate"},
                       {"edit", 0},
                       {"ms", 40.0},
                       {"examples_run", 40},
                       {"examples", 80},
                       {"baseline_accuracy", 0.9},
                       {"accuracy", accuracy},
                       {"accuracy_low", accuracy - 0.02},
                       {"accuracy_high", accuracy + 0.02}};
      context.result(estimate);
      if (exact) {
        estimate["examples_run"] = 80;
        estimate["accuracy_low"] = estimate["accuracy_high"] = accuracy;
        context.result(estimate);
      }
      return Json::object();
    });
    return kinds;
  }

  QString path(const char* name) const { return QString::fromStdString((folder.path() / name).string()); }

  test::TempDir folder;
  std::vector<Json> asked;
  bool exact = false;
  int opened = 0;
  std::unique_ptr<MainWindow> window;
  WhatIfLine* line = nullptr;
};

TEST_F(WhatIfLineTest, FollowsTheChosenHeads) {
  EXPECT_TRUE(line->text().isEmpty());
  RecipeDocument* recipe = window->session()->recipe();
  recipe->toggleHead(0, 1);
  recipe->toggleHead(1, 2);
  EXPECT_FALSE(line->text().isEmpty());
  ASSERT_TRUE(waitFor([&] { return line->text().contains("70.0"); })) << line->text().toStdString();
  EXPECT_TRUE(line->text().contains("points without 2 heads")) << line->text().toStdString();
  EXPECT_TRUE(line->text().contains("40 of 80"));
  // Clicks close together are one question.
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0], Json::parse(R"([{"heads": [[0, 1], [1, 2]]}])"));

  exact = true;
  recipe->toggleHead(0, 1);
  ASSERT_TRUE(waitFor([&] { return line->text().contains("all 80"); })) << line->text().toStdString();
  EXPECT_TRUE(line->text().contains("80.0"));
  recipe->toggleHead(1, 2);
  EXPECT_TRUE(line->text().isEmpty());
  EXPECT_EQ(asked.size(), 2U);
}

TEST_F(WhatIfLineTest, AsksAboutUnitsAndLayersFromTheTopDown) {
  RecipeDocument* recipe = window->session()->recipe();
  recipe->toggleLayer(0);
  recipe->toggleUnits(1, {3, 5});
  recipe->toggleHead(0, 2);
  ASSERT_TRUE(waitFor([&] { return line->text().contains("60.0"); })) << line->text().toStdString();
  EXPECT_TRUE(line->text().contains("without 1 head, 2 units and layer 0")) << line->text().toStdString();
  EXPECT_EQ(asked.back(), Json::parse(R"([{"heads": [[0, 2]]}, {"units": [[1, 3], [1, 5]]}, {"layer": 0}])"));
  recipe->toggleLayer(1);
  ASSERT_TRUE(waitFor([&] { return line->text().contains("50.0"); })) << line->text().toStdString();
  // The higher first: the other keeps its number until its turn.
  EXPECT_EQ(asked.back()[2], Json::parse(R"({"layer": 1})"));
  EXPECT_EQ(asked.back()[3], Json::parse(R"({"layer": 0})"));
}

TEST_F(WhatIfLineTest, AsksAboutTheOneMatrixOfTheChosenStep) {
  RecipeDocument* recipe = window->session()->recipe();
  const int row = recipe->addStep("quantize.q8");
  recipe->setScope(row, Scope{.layers = {}, .parts = {}, .slots = {"encoder.1.ffn.in_proj.weight"}});
  recipe->setSetting(row, "bits", 3);
  ASSERT_TRUE(waitFor([&] { return line->text().contains("80.0"); })) << line->text().toStdString();
  EXPECT_TRUE(line->text().contains("with encoder.1.ffn.in_proj at 3 bits")) << line->text().toStdString();
  EXPECT_EQ(asked.back(), Json::parse(R"([{"bits": 3, "weight": "encoder.1.ffn.in_proj.weight"}])"));
  recipe->setSetting(row, "bits", 32);
  EXPECT_TRUE(line->text().isEmpty()) << "the model as it is";

  const int low = recipe->addStep("factorize.svd");
  recipe->setScope(low, Scope{.layers = {}, .parts = {}, .slots = {"encoder.0.ffn.out_proj.weight"}});
  recipe->setSetting(low, "rank", 4);
  EXPECT_TRUE(line->text().isEmpty()) << "the rank is not what it goes by";
  recipe->setSetting(low, "by", "rank");
  ASSERT_TRUE(waitFor([&] { return line->text().contains("at rank 4"); })) << line->text().toStdString();
  recipe->setSetting(low, "rank", 11);
  EXPECT_TRUE(line->text().isEmpty()) << "two factors of rank 11 hold more than 16 x 32 numbers";
  recipe->setSetting(low, "rank", 10);
  EXPECT_FALSE(line->text().isEmpty());
  // Another step is chosen: its settings are what is asked about.
  window->recipePanel()->setCurrentStep(row);
  EXPECT_TRUE(line->text().isEmpty());
}

TEST_F(WhatIfLineTest, AsksOnlyWhileItIsOnTheScreen) {
  window->recipePanel()->hide();
  window->session()->recipe()->toggleHead(0, 1);
  EXPECT_TRUE(line->text().isEmpty());
  window->recipePanel()->show();
  ASSERT_TRUE(waitFor([&] { return line->text().contains("80.0"); })) << line->text().toStdString();
  EXPECT_EQ(asked.size(), 1U);
  EXPECT_EQ(opened, 0);
}

TEST_F(WhatIfLineTest, TheModelIsOpenedBeforeTheFirstClickOnThePageOfHeads) {
  window->showPage("heads");
  ASSERT_TRUE(waitFor([&] { return opened == 1; }));
  EXPECT_TRUE(line->text().isEmpty());
  EXPECT_TRUE(asked.empty());
  window->session()->recipe()->toggleHead(1, 0);
  ASSERT_TRUE(waitFor([&] { return line->text().contains("80.0"); })) << line->text().toStdString();
  window->session()->recipe()->toggleHead(1, 0);
  window->session()->openModel(path("small"));
  ASSERT_TRUE(waitFor([&] { return opened == 2; }));
}

TEST_F(WhatIfLineTest, ARecipeThatWasThereIsAskedAboutWhenItIsLookedAt) {
  window->session()->closeTask();
  window->session()->recipe()->toggleHead(1, 0);
  openTask();
  EXPECT_TRUE(line->text().isEmpty());
  window->showPage("heads");
  ASSERT_TRUE(waitFor([&] { return line->text().contains("80.0"); })) << line->text().toStdString();
}

}  // namespace
}  // namespace espalier
