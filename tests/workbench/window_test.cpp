#include <QAbstractSpinBox>
#include <QAccessible>
#include <QAction>
#include <QDir>
#include <QDropEvent>
#include <QLineEdit>
#include <QMenu>
#include <QMenuBar>
#include <QMimeData>
#include <QProcess>
#include <QPushButton>
#include <QSignalSpy>
#include <QSplitter>
#include <QToolButton>
#include <QTreeView>

#include "app/workbench/lesson_window.h"
#include "app/workbench/main_window.h"
#include "app/workbench/pages/heads_page.h"
#include "app/workbench/pages/runs_page.h"
#include "app/workbench/pages/tradeoff_page.h"
#include "app/workbench/pages/weights_page.h"
#include "tests/support/support.h"
#include "tests/widgets/small_model.h"
#include "widgets/charts/tradeoff_plot.h"
#include "widgets/models/runs_model.h"
#include "widgets/panels/message_bar.h"

namespace espalier {
namespace {

using test::waitFor;

// A worker that knows what the window asks at its start; `run` plays the recipe.
JobKinds fakeWorker(const std::function<Json(const JobSpec&, JobContext&)>& run = {}) {
  JobKinds kinds;
  kinds.add("methods", [](const JobSpec&, JobContext&) {
    return Json::parse(R"({"methods": [{"id": "prune.heads", "title": "Heads", "family": "prune", "settings": [
      {"key": "heads", "type": "head_list", "default": [], "label": "Heads", "help": "Which.", "level": "basic"}]}]})");
  });
  kinds.add("check", [](const JobSpec&, JobContext&) {
    return Json::parse(R"({"issues": [], "estimates": [{"bundle_bytes": 10}]})");
  });
  kinds.add("examples", [](const JobSpec&, JobContext&) {
    return Json::parse(R"({"examples": [{"text": "a fine film", "label": 1}], "total": 1, "labels": ["no", "yes"]})");
  });
  if (run) kinds.add("run_recipe", run);
  return kinds;
}

Json row(const char* hash, const char* parent, const char* method, double accuracy, double bytes) {
  return {{"hash", hash},
          {"parent", parent},
          {"method", method},
          {"settings", Json::object()},
          {"accuracy", accuracy},
          {"bundle_bytes", bytes},
          {"latency_ms_p50", bytes / 1e6}};
}

class Window : public testing::Test {
 protected:
  void SetUp() override {
    save_bundle(test::smallModel(), folder.path() / "small");
    QDir(path("")).mkdir("task");
    writeFile("task/train.tsv", "sentence\tlabel\ngood\t1\nbad\t0\n");
    writeFile("task/dev.tsv", "sentence\tlabel\ngood\t1\nbad\t0\n");
  }

  QString path(const char* name) const { return QString::fromStdString((folder.path() / name).string()); }

  void writeFile(const char* name, const QByteArray& text) {
    QFile file(path(name));
    ASSERT_TRUE(file.open(QIODevice::WriteOnly));
    file.write(text);
  }

  std::unique_ptr<MainWindow> make(const JobKinds& kinds = fakeWorker()) {
    MainWindowOptions options;
    options.session.resources = resources;
    options.session.workspace = folder.path() / "workspace";
    options.session.makeRunner = [kinds] { return make_inline_runner(kinds); };
    options.settingsFile = path("settings.ini");
    return std::make_unique<MainWindow>(std::move(options));
  }

  std::unique_ptr<MainWindow> makeOpened(const JobKinds& kinds = fakeWorker()) {
    auto window = make(kinds);
    window->show();
    window->begin(path("small"));
    EXPECT_TRUE(waitFor([&] { return window->session()->model() != nullptr; }));
    window->session()->openTask(path("task"));
    EXPECT_TRUE(waitFor([&] { return window->session()->task().has_value(); }));
    EXPECT_TRUE(waitFor([&] { return window->session()->catalog()->state() == MethodCatalog::State::Ready; }));
    return window;
  }

  test::TempDir folder;
  std::filesystem::path resources;  // empty: neither lab nor lessons
};

TEST_F(Window, OpensABundleAndShowsEveryPage) {
  const auto window = makeOpened();
  EXPECT_EQ(window->pages().size(), 10u);
  for (Page* page : window->pages()) {
    window->showPage(page->name());
    EXPECT_EQ(window->currentPage(), page);
    EXPECT_FALSE(page->accessibleName().isEmpty());
    QTest::qWait(20);
    const bool something = page->showsContent() || !page->emptyState()->sentence().isEmpty();
    EXPECT_TRUE(something) << page->name().toStdString();
  }
  EXPECT_TRUE(window->page("weights")->showsContent());
  EXPECT_FALSE(window->page("runs")->showsContent()) << "nothing was measured yet";
}

TEST_F(Window, AMissingModelIsAnEmptyStateWithOneButton) {
  const auto window = make();
  window->begin("lab");
  ASSERT_TRUE(waitFor([&] { return !window->bar()->isHidden(); }));
  EXPECT_TRUE(window->bar()->text().contains("lab")) << window->bar()->text().toStdString();
  const Page* page = window->currentPage();
  EXPECT_FALSE(page->showsContent());
  EXPECT_FALSE(page->emptyState()->button()->text().isEmpty());
  EXPECT_FALSE(window->runAction()->isEnabled());
  EXPECT_FALSE(window->runAction()->toolTip().isEmpty());
}

TEST_F(Window, AFailedOpenKeepsTheModelThatIsOpen) {
  const auto window = makeOpened();
  window->session()->openModel(path("task"));
  ASSERT_TRUE(waitFor([&] { return !window->bar()->isHidden(); }));
  EXPECT_EQ(window->session()->model()->name, "small");
}

TEST_F(Window, TheWeightsPageShowsTheSelectedWeight) {
  const auto window = makeOpened();
  auto* weights = qobject_cast<WeightsPage*>(window->page("weights"));
  QSignalSpy shown(weights, &WeightsPage::heatMapShown);
  window->showPage("weights");
  window->session()->selection()->selectSlot("encoder.1.ffn.in_proj.weight", 1);
  EXPECT_EQ(weights->shownSlot(), "encoder.1.ffn.in_proj.weight");
  EXPECT_TRUE(waitFor([&] { return !shown.isEmpty(); }));
  window->session()->selection()->goBack();
  EXPECT_NE(weights->shownSlot(), "");
}

TEST_F(Window, AClickOnAHeadEditsTheRecipeAndUndoTakesItBack) {
  const auto window = makeOpened();
  auto* heads = qobject_cast<HeadsPage*>(window->page("heads"));
  window->showPage("heads");
  heads->takeAnswer("heads", Json::parse(R"({"of": "heads", "examples": 2, "split": "dev", "agreement": [[1]],
      "criteria": [{"criterion": "michel", "seconds": 0.1,
                    "scores": [[0.1, 0.2, 0.3, 0.9], [0.5, 0.5, 0.5, 0.5]]}]})"));
  ASSERT_TRUE(heads->showsContent());
  HeadMatrix* matrix = heads->matrix();
  QTest::mouseClick(matrix, Qt::LeftButton, {}, matrix->cellRect(LayerIndex(1), HeadIndex(2)).center().toPoint());
  RecipeDocument* recipe = window->session()->recipe();
  EXPECT_EQ(recipe->chosenHeads(), (HeadSet{{1, 2}}));
  EXPECT_EQ(matrix->pruned().size(), 1u);
  EXPECT_EQ(window->session()->selection()->state().head, 2);
  recipe->undoStack()->undo();
  EXPECT_EQ(recipe->numSteps(), 0);
  EXPECT_TRUE(matrix->pruned().empty());
}

TEST_F(Window, ARunFillsThePlotsAndTheTable) {
  const auto window = makeOpened(fakeWorker([](const JobSpec& spec, JobContext& context) {
    EXPECT_EQ(spec.settings["recipe"]["steps"].size(), 1u);
    context.result({{"kind", "run"}, {"run", 1}});
    context.result({{"kind", "row"}, {"run", 1}, {"index", 0}, {"row", row("a", "", "", 0.9, 4e6)}});
    context.result({{"kind", "row"}, {"run", 1}, {"index", 1}, {"row", row("b", "a", "prune.heads", 0.88, 3e6)}});
    return Json::object();
  }));
  window->session()->recipe()->toggleHead(0, 1);
  ASSERT_TRUE(waitFor([&] { return window->runAction()->isEnabled(); }));
  window->runAction()->trigger();
  ASSERT_TRUE(waitFor([&] { return window->session()->runs()->rows().size() == 2; }));
  ASSERT_TRUE(waitFor([&] { return !window->runs()->isRunning(); }));
  auto* tradeoff = qobject_cast<TradeoffPage*>(window->page("tradeoff"));
  EXPECT_EQ(tradeoff->sizePlot()->points().size(), 2u);
  EXPECT_EQ(tradeoff->latencyPlot()->points().size(), 2u);
  window->session()->selection()->selectRun("b");
  EXPECT_EQ(tradeoff->sizePlot()->selected(), "b");
  EXPECT_EQ(tradeoff->latencyPlot()->selected(), "b");
  EXPECT_TRUE(window->page("runs")->showsContent());
}

TEST_F(Window, TheRunsAreATreeThatFollowsTheSelection) {
  const auto window = makeOpened();
  RunStore* runs = window->session()->runs();
  runs->addLive(row("a", "", "", 0.9, 4e6));
  runs->addLive(row("b", "a", "prune.heads", 0.88, 3e6));
  runs->addLive(row("c", "b", "quantize.q8", 0.88, 1e6));
  auto* page = qobject_cast<RunsPage*>(window->page("runs"));
  window->showPage("runs");
  ASSERT_TRUE(page->showsContent());
  QTreeView* tree = page->tree();
  window->session()->selection()->selectRun("c");
  const QModelIndex shown = tree->currentIndex();
  ASSERT_TRUE(shown.isValid());
  EXPECT_EQ(shown.data(RunsModel::HashRole), "c");
  EXPECT_EQ(shown.parent().data(RunsModel::HashRole), "b");
  EXPECT_TRUE(tree->isExpanded(shown.parent())) << "a step that arrives is seen";
  tree->setCurrentIndex(shown.parent());
  EXPECT_EQ(window->session()->selection()->state().run, "b");
  // The columns that compare stay however narrow the page is.
  window->resize(window->minimumSizeHint());
  QTest::qWait(1);
  for (const int column :
       {RunsModel::AccuracyColumn, RunsModel::DifferenceColumn, RunsModel::SmallerColumn, RunsModel::FasterColumn}) {
    EXPECT_FALSE(tree->isColumnHidden(column)) << column;
  }
}

TEST_F(Window, AKilledWorkerLeavesTheWindowAndOffersToContinue) {
  int started = 0;
  const auto window = makeOpened(fakeWorker([&started](const JobSpec&, JobContext& context) -> Json {
    if (++started > 1) return Json::object();
    context.result({{"kind", "row"}, {"run", 1}, {"index", 0}, {"row", row("a", "", "", 0.9, 4e6)}});
    throw Error(ErrorKind::Internal, "the worker was killed by signal 9");
  }));
  window->session()->recipe()->toggleHead(0, 1);
  window->runs()->start();
  ASSERT_TRUE(waitFor([&] { return !window->bar()->isHidden(); }));
  EXPECT_TRUE(window->bar()->text().contains("signal 9"));
  EXPECT_TRUE(window->bar()->text().contains("1 of 2")) << window->bar()->text().toStdString();
  EXPECT_EQ(window->bar()->actionButton()->text(), "Continue");
  window->bar()->actionButton()->click();
  ASSERT_TRUE(waitFor([&] { return started == 2 && !window->runs()->isRunning(); }));
}

TEST_F(Window, TheRecipeAndTheModelComeBack) {
  {
    const auto window = makeOpened();
    window->session()->recipe()->toggleHead(1, 3);
    window->showPage("heads");
    window->close();
  }
  const auto window = make();
  window->begin({});
  EXPECT_EQ(window->session()->recipe()->chosenHeads(), (HeadSet{{1, 3}}));
  EXPECT_EQ(window->currentPage()->name(), "heads");
  ASSERT_TRUE(waitFor([&] { return window->session()->model() && window->session()->task(); }));
  EXPECT_EQ(window->session()->model()->name, "small");
  EXPECT_EQ(window->session()->task()->name, "task");
}

TEST_F(Window, TheTourNamesWhatIsThere) {
  resources = test::source_dir() / "resources";
  const auto window = makeOpened();
  window->show();
  auto* help = window->menuBar()->actions().last()->menu();
  ASSERT_FALSE(help->actions().isEmpty());
  help->actions().first()->trigger();
  auto* tour = window->findChild<LessonWindow*>();
  ASSERT_NE(tour, nullptr);
  EXPECT_TRUE(tour->isVisible());
  EXPECT_FALSE(tour->isModal());
  for (const Page* shown : window->pages()) {
    EXPECT_TRUE(tour->text().contains(shown->title())) << shown->title().toStdString() << " is left out";
  }
  for (const char* button : {"heads", "activations", "flips"}) {
    EXPECT_TRUE(tour->text().contains(window->page(button)->emptyState()->button()->text()) ||
                window->page(button)->emptyState()->button()->text() == "Run the recipe")
        << window->page(button)->emptyState()->button()->text().toStdString();
  }
}

TEST_F(Window, ADroppedPathOpensAsWhatItIs) {
  const auto window = make();
  window->openPath(path("small"));
  ASSERT_TRUE(waitFor([&] { return window->session()->model() != nullptr; }));
  window->openPath(path("task"));
  ASSERT_TRUE(waitFor([&] { return window->session()->task().has_value(); }));
  Recipe recipe;
  recipe.steps = {Step{.method = "prune.heads", .settings = Json::object(), .scope = {}, .enabled = true}};
  writeFile("recipe.json", QByteArray::fromStdString(to_json(recipe).dump()));
  window->openPath(path("recipe.json"));
  ASSERT_TRUE(waitFor([&] { return window->session()->recipe()->numSteps() == 1; }));
  writeFile("broken.json", "{");
  window->openPath(path("broken.json"));
  ASSERT_TRUE(waitFor([&] { return !window->bar()->isHidden(); }));
  EXPECT_EQ(window->session()->recipe()->numSteps(), 1);
}

TEST_F(Window, EveryButtonHasANameAndNoTwoActionsAKey) {
  const auto window = makeOpened();
  for (const QToolButton* button : window->findChildren<QToolButton*>()) {
    if (button->objectName().startsWith("qt_") || button->isHidden() || !button->parentWidget()) continue;
    if (QString(button->parentWidget()->metaObject()->className()) == "QTabBar") continue;
    EXPECT_FALSE(button->accessibleName().isEmpty() && button->text().isEmpty() && button->toolTip().isEmpty())
        << button->parentWidget()->metaObject()->className();
  }
  QMap<QKeySequence, QString> keys;
  for (const QAction* action : window->findChildren<QAction*>()) {
    if (action->shortcutContext() != Qt::WindowShortcut) continue;
    for (const QKeySequence& key : action->shortcuts()) {
      EXPECT_FALSE(keys.contains(key)) << key.toString().toStdString() << ": " << keys[key].toStdString() << ", "
                                       << action->text().toStdString();
      keys[key] = action->text();
    }
  }
}

TEST_F(Window, EverythingThatTabReachesHasAName) {
  const auto window = makeOpened();
  window->session()->recipe()->toggleHead(0, 1);
  for (Page* page : window->pages()) {
    window->showPage(page->name());
    QTest::qWait(1);
    int reached = 0;
    for (QWidget* widget = window->nextInFocusChain(); widget != window.get(); widget = widget->nextInFocusChain()) {
      if (!widget->isVisible() || !widget->isEnabled() || !(widget->focusPolicy() & Qt::TabFocus)) continue;
      // What only holds others, and the text inside a spin box, speak through what they belong to.
      if (qobject_cast<QSplitter*>(widget) || qobject_cast<QAbstractSpinBox*>(widget->parentWidget())) continue;
      ++reached;
      const QAccessibleInterface* said = QAccessible::queryAccessibleInterface(widget);
      ASSERT_NE(said, nullptr);
      EXPECT_FALSE(said->text(QAccessible::Name).isEmpty())
          << page->name().toStdString() << ": " << widget->metaObject()->className() << " in "
          << widget->parentWidget()->metaObject()->className();
    }
    EXPECT_GT(reached, 5) << page->name().toStdString();
  }
}

TEST_F(Window, FitsASmallScreenAndLargeText) {
  const auto window = makeOpened();
  window->session()->recipe()->toggleHead(0, 1);
  window->session()->runs()->addLive(row("a", "", "", 0.9, 4e6));
  QTest::qWait(1);
  EXPECT_LE(window->minimumSizeHint().width(), 1280);
  EXPECT_LE(window->minimumSizeHint().height(), 800);
  // Room for both docks beside the page.
  for (Page* page : window->pages()) {
    EXPECT_LE(page->minimumSizeHint().width(), 656) << page->name().toStdString();
  }
}

TEST(Program, LoadsNoLibtorch) {
  const QString program = QString::fromStdString((test::binary_dir() / "bin" / "espalier-workbench").string());
  if (!QFileInfo::exists(program)) GTEST_SKIP() << "needs the built program";
  QProcess ldd;
  ldd.start("ldd", {program});
  ASSERT_TRUE(ldd.waitForFinished());
  const QString libraries = QString::fromLocal8Bit(ldd.readAllStandardOutput());
  ASSERT_TRUE(libraries.contains("libQt6Widgets"));
  for (const char* unwanted : {"libtorch", "libc10", "libcaffe2"}) {
    EXPECT_FALSE(libraries.contains(unwanted)) << unwanted;
  }
}

}  // namespace
}  // namespace espalier
