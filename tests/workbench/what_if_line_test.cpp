// The line under the head matrix that says what the chosen heads cost.
#include <QDir>
#include <QFile>

#include "app/workbench/main_window.h"
#include "app/workbench/pages/page.h"
#include "app/workbench/pages/what_if_line.h"
#include "tests/support/support.h"
#include "tests/widgets/small_model.h"

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
    window->session()->openTask(path("task"));
    ASSERT_TRUE(waitFor([&] { return window->session()->task().has_value(); }));
  }

  // Costs a tenth for every head, seen first on 40 examples, then exactly.
  JobKinds worker() {
    JobKinds kinds;
    kinds.add("methods", [](const JobSpec&, JobContext&) { return Json::parse(R"({"methods": []})"); });
    kinds.add("check", [](const JobSpec&, JobContext&) { return Json::parse(R"({"issues": [], "estimates": []})"); });
    kinds.add("whatif", [this](const JobSpec& spec, JobContext& context) {
      if (spec.settings.contains("open_only")) {
        ++opened;
        return Json::object();
      }
      const Json heads = spec.settings.at("edits")[0][0].at("heads");
      asked.push_back(heads);
      const double accuracy = 0.9 - 0.1 * static_cast<double>(heads.size());
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
};

TEST_F(WhatIfLineTest, FollowsTheChosenHeads) {
  const auto line = std::make_unique<WhatIfLine>(window->session());
  line->show();
  EXPECT_TRUE(line->text().isEmpty());
  RecipeDocument* recipe = window->session()->recipe();
  recipe->toggleHead(0, 1);
  recipe->toggleHead(1, 2);
  EXPECT_FALSE(line->text().isEmpty());
  ASSERT_TRUE(waitFor([&] { return line->text().contains("70.0"); })) << line->text().toStdString();
  EXPECT_TRUE(line->text().contains(QStringLiteral("± 2"))) << line->text().toStdString();
  EXPECT_TRUE(line->text().contains("40 of 80"));
  // Clicks close together are one question.
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0], Json::parse("[[0, 1], [1, 2]]"));

  exact = true;
  recipe->toggleHead(0, 1);
  ASSERT_TRUE(waitFor([&] { return line->text().contains("all 80"); })) << line->text().toStdString();
  EXPECT_TRUE(line->text().contains("80.0"));
  recipe->toggleHead(1, 2);
  EXPECT_TRUE(line->text().isEmpty());
  EXPECT_EQ(asked.size(), 2U);
}

TEST_F(WhatIfLineTest, AsksOnlyWhileItIsOnTheScreen) {
  const auto line = std::make_unique<WhatIfLine>(window->session());
  window->session()->recipe()->toggleHead(0, 1);
  EXPECT_TRUE(line->text().isEmpty());
  line->show();
  ASSERT_TRUE(waitFor([&] { return line->text().contains("80.0"); })) << line->text().toStdString();
  EXPECT_EQ(asked.size(), 1U);
  EXPECT_EQ(opened, 0);
}

TEST_F(WhatIfLineTest, TheModelIsOpenedBeforeTheFirstClick) {
  const auto line = std::make_unique<WhatIfLine>(window->session());
  line->show();
  ASSERT_TRUE(waitFor([&] { return opened == 1; }));
  EXPECT_TRUE(line->text().isEmpty());
  EXPECT_TRUE(asked.empty());
  window->session()->recipe()->toggleHead(1, 0);
  ASSERT_TRUE(waitFor([&] { return line->text().contains("80.0"); })) << line->text().toStdString();
  window->session()->recipe()->toggleHead(1, 0);
  window->session()->openModel(path("small"));
  ASSERT_TRUE(waitFor([&] { return opened == 2; }));
}

TEST_F(WhatIfLineTest, StandsOnThePageOfHeads) { EXPECT_NE(window->page("heads")->findChild<WhatIfLine*>(), nullptr); }

}  // namespace
}  // namespace espalier
