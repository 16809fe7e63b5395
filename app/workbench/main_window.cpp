#include "app/workbench/main_window.h"

#include <QApplication>
#include <QCloseEvent>
#include <QDir>
#include <QDockWidget>
#include <QDragEnterEvent>
#include <QFileInfo>
#include <QLabel>
#include <QMimeData>
#include <QTabBar>
#include <QTabWidget>
#include <QTimer>
#include <QVBoxLayout>

#include "app/workbench/pages/activations_page.h"
#include "app/workbench/pages/attention_page.h"
#include "app/workbench/pages/compare_page.h"
#include "app/workbench/pages/flips_page.h"
#include "app/workbench/pages/heads_page.h"
#include "app/workbench/pages/overview_page.h"
#include "app/workbench/pages/runs_page.h"
#include "app/workbench/pages/saliency_page.h"
#include "app/workbench/pages/tradeoff_page.h"
#include "app/workbench/pages/weights_page.h"
#include "app/workbench/what_if_line.h"
#include "widgets/panels/jobs_panel.h"
#include "widgets/panels/message_bar.h"
#include "widgets/panels/model_panel.h"
#include "widgets/panels/pinned_panel.h"
#include "widgets/panels/properties_panel.h"
#include "widgets/panels/recipe_panel.h"
#include "widgets/theme/theme.h"

namespace espalier {

namespace {

constexpr int kAutosaveMs = 400;
// Docks and toolbars of another layout version are not applied to this one.
constexpr int kLayoutVersion = 1;
constexpr QSize kFirstSize(1280, 800);

enum class PathKind { Model, Task, Recipe };

// Looks at names only. A path that is nothing known counts as a model: opening it says what is wrong.
PathKind kindOf(const QString& path) {
  const QFileInfo info(path);
  const QString name = info.fileName();
  if (info.isFile()) {
    static const QStringList kTables = {QStringLiteral("tsv"), QStringLiteral("csv"), QStringLiteral("jsonl")};
    if (kTables.contains(info.suffix())) return PathKind::Task;
    const bool ofModel = name == QLatin1String("config.json") || name == QLatin1String("espalier.json") ||
                         name.endsWith(QLatin1String(".index.json"));
    return info.suffix() == QLatin1String("json") && !ofModel ? PathKind::Recipe : PathKind::Model;
  }
  const QDir folder(path);
  if (folder.exists(QStringLiteral("config.json")) || folder.exists(QStringLiteral("espalier.json"))) {
    return PathKind::Model;
  }
  const QStringList tables =
      folder.entryList({QStringLiteral("*.tsv"), QStringLiteral("*.csv"), QStringLiteral("*.jsonl")}, QDir::Files);
  return tables.isEmpty() ? PathKind::Model : PathKind::Task;
}

}  // namespace

MainWindow::MainWindow(MainWindowOptions options, QWidget* parent)
    : QMainWindow(parent),
      m_session(std::move(options.session)),
      m_runController(&m_session),
      m_settings(options.settingsFile) {
  setObjectName(QStringLiteral("workbench"));
  setWindowTitle(tr("Espalier"));
  setAcceptDrops(true);
  setDockNestingEnabled(true);
  Theme::instance().setTextScale(m_settings.textScale());
  Theme::instance().setMode(m_settings.themeMode());
  buildPages();
  buildDocks();
  buildActions();
  buildMenus();
  buildToolBar();
  buildStatusBar();
  connectSession();
  connectRuns();

  m_autosave = new QTimer(this);
  m_autosave->setSingleShot(true);
  m_autosave->setInterval(kAutosaveMs);
  connect(m_autosave, &QTimer::timeout, this, [this] { m_settings.saveRecipe(m_session.recipe()->recipe()); });
  if (const std::optional<Recipe> saved = m_settings.savedRecipe()) m_session.recipe()->load(*saved);
  connect(m_session.recipe(), &RecipeDocument::changed, m_autosave, qOverload<>(&QTimer::start));

  resize(kFirstSize);
  if (!m_settings.geometry().isEmpty()) restoreGeometry(m_settings.geometry());
  if (!m_settings.state().isEmpty()) restoreState(m_settings.state(), kLayoutVersion);
  showPage(m_settings.lastPage().isEmpty() ? QStringLiteral("overview") : m_settings.lastPage());
  updateTitle();
  updateRun();
  updateStatus();
  updateHistory();
}

MainWindow::~MainWindow() {
  // Pages and panels hear of the session until they go; they must go first.
  delete takeCentralWidget();
  qDeleteAll(findChildren<QDockWidget*>());
}

void MainWindow::buildPages() {
  auto* central = new QWidget(this);
  auto* layout = new QVBoxLayout(central);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  m_bar = new MessageBar(central);
  layout->addWidget(m_bar);
  m_tabs = new QTabWidget(central);
  m_tabs->setDocumentMode(true);
  m_tabs->tabBar()->setExpanding(false);
  m_tabs->setAccessibleName(tr("Pages"));
  m_tabs->tabBar()->setAccessibleName(tr("Pages"));
  layout->addWidget(m_tabs, 1);
  setCentralWidget(central);

  m_pages = {new OverviewPage(&m_session), new WeightsPage(&m_session),  new AttentionPage(&m_session),
             new HeadsPage(&m_session),    new SaliencyPage(&m_session), new ActivationsPage(&m_session),
             new ComparePage(&m_session),  new FlipsPage(&m_session),    new TradeoffPage(&m_session),
             new RunsPage(&m_session)};
  for (Page* page : m_pages) {
    m_tabs->addTab(page, page->title());
    connect(page, &Page::readoutChanged, this, [this](const QString& text) { m_readout->setText(text); });
    connect(page, &Page::pageAsked, this, &MainWindow::showPage);
    connect(page, &Page::openModelAsked, this, &MainWindow::openModelDialog);
    connect(page, &Page::openTaskAsked, this, &MainWindow::openTaskDialog);
    connect(page, &Page::runAsked, this, [this] {
      if (const QString why = m_runController.whyNot(); !why.isEmpty()) {
        m_bar->showMessage(MessageBar::Kind::Note, why);
      } else {
        m_runController.start();
      }
    });
  }
  connect(m_tabs, &QTabWidget::currentChanged, this, [this](int index) {
    if (index < 0) return;
    Page* shown = m_pages[static_cast<size_t>(index)];
    m_readout->clear();
    m_session.selection()->setPage(shown->name());
    m_settings.setLastPage(shown->name());
    shown->activate();
  });
}

void MainWindow::buildDocks() {
  const auto dock = [this](const QString& name, const QString& title, QWidget* widget, Qt::DockWidgetArea area) {
    auto* made = new QDockWidget(title, this);
    made->setObjectName(name);
    made->setWidget(widget);
    addDockWidget(area, made);
    return made;
  };
  m_modelPanel = new ModelPanel(m_session.selection());
  m_modelDock = dock(QStringLiteral("modelDock"), tr("Model"), m_modelPanel, Qt::LeftDockWidgetArea);
  m_properties = new PropertiesPanel(m_session.selection());
  m_propertiesDock = dock(QStringLiteral("propertiesDock"), tr("Properties"), m_properties, Qt::LeftDockWidgetArea);
  m_recipePanel = new RecipePanel(m_session.recipe(), m_session.catalog(), m_session.checker(), m_session.selection());
  auto* whatIf = new WhatIfLine(&m_session);
  whatIf->setContentsMargins(kGrid, kGrid, kGrid, 0);
  m_recipePanel->setAnswer(whatIf);
  connect(m_recipePanel, &RecipePanel::stepShown, whatIf, &WhatIfLine::setStep);
  m_recipeDock = dock(QStringLiteral("recipeDock"), tr("Recipe"), m_recipePanel, Qt::RightDockWidgetArea);
  m_jobsPanel = new JobsPanel(m_session.jobs());
  m_jobsDock = dock(QStringLiteral("jobsDock"), tr("Jobs"), m_jobsPanel, Qt::BottomDockWidgetArea);
  m_pinned = new PinnedPanel;
  m_pinnedDock = dock(QStringLiteral("pinnedDock"), tr("Pinned"), m_pinned, Qt::BottomDockWidgetArea);
  tabifyDockWidget(m_jobsDock, m_pinnedDock);
  m_pinnedDock->hide();
  connect(m_pinned, &PinnedPanel::openAsked, m_session.selection(), &Selection::restore);
  setCorner(Qt::BottomLeftCorner, Qt::BottomDockWidgetArea);
  setCorner(Qt::BottomRightCorner, Qt::BottomDockWidgetArea);
  connect(m_modelPanel, &ModelPanel::slotOpened, this, [this] { showPage(QStringLiteral("weights")); });
  connect(m_modelPanel, &ModelPanel::searched, qobject_cast<OverviewPage*>(page(QStringLiteral("overview"))),
          &OverviewPage::setSearch);
  connect(m_recipePanel, &RecipePanel::catalogRetryAsked, &m_session, &Session::requestCatalog);
}

Page* MainWindow::page(const QString& name) const {
  for (Page* candidate : m_pages) {
    if (candidate->name() == name) return candidate;
  }
  return nullptr;
}

Page* MainWindow::currentPage() const {
  return m_tabs->currentIndex() < 0 ? nullptr : m_pages[static_cast<size_t>(m_tabs->currentIndex())];
}

void MainWindow::showPage(const QString& name) {
  Page* wanted = page(name);
  if (!wanted) return;
  m_session.selection()->setPage(name);
  m_tabs->setCurrentWidget(wanted);
}

void MainWindow::begin(const QString& location) {
  QString wanted = location.isEmpty() ? m_settings.lastModel() : location;
  if (wanted.isEmpty()) wanted = QStringLiteral("lab");
  // A folder that is gone since the last time is no reason for an error at the start.
  if (location.isEmpty() && wanted != QLatin1String("lab") && !QFileInfo::exists(wanted))
    wanted = QStringLiteral("lab");
  m_session.openModel(wanted);
  // The worker loads libtorch: not before the first paint.
  QTimer::singleShot(0, this, [this] { m_session.requestCatalog(); });
}

void MainWindow::openPath(const QString& path) {
  m_pathReader.start<PathKind>([path](const CancelToken&) { return kindOf(path); },
                               [this, path](const std::shared_ptr<PathKind>& kind) {
                                 switch (*kind) {
                                   case PathKind::Recipe:
                                     return loadRecipe(path);
                                   case PathKind::Task:
                                     return m_session.openTask(path);
                                   case PathKind::Model:
                                     return m_session.openModel(path);
                                 }
                               },
                               [this](const ErrorInfo& error) {
                                 m_bar->showMessage(MessageBar::Kind::Error, QString::fromStdString(error.message));
                               });
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
  const QList<QUrl> urls = event->mimeData()->urls();
  if (!urls.isEmpty() && urls.first().isLocalFile()) event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
  const QList<QUrl> urls = event->mimeData()->urls();
  if (urls.isEmpty()) return;
  event->acceptProposedAction();
  openPath(urls.first().toLocalFile());
}

void MainWindow::keyPressEvent(QKeyEvent* event) {
  // Figure keys work on the page's picture wherever the focus is.
  Page* shown = currentPage();
  if (Chart* chart = shown ? shown->mainChart() : nullptr; chart && shown->showsContent()) {
    const QKeySequence pressed(event->keyCombination());
    for (QAction* action : chart->actions()) {
      if (action->isEnabled() && action->shortcut() == pressed) {
        action->trigger();
        return;
      }
    }
  }
  QMainWindow::keyPressEvent(event);
}

void MainWindow::showEvent(QShowEvent* event) {
  QMainWindow::showEvent(event);
  if (m_arranged) return;
  m_arranged = true;
  // Sizes of docks hold only once the first layout has been made at the window's own size.
  QTimer::singleShot(0, this, [this] {
    if (!m_settings.state().isEmpty() && restoreState(m_settings.state(), kLayoutVersion)) return;
    resizeDocks({m_modelDock, m_recipeDock}, {38 * kGrid, 40 * kGrid}, Qt::Horizontal);
    resizeDocks({m_modelDock, m_propertiesDock}, {48 * kGrid, 26 * kGrid}, Qt::Vertical);
    resizeDocks({m_jobsDock}, {14 * kGrid}, Qt::Vertical);
  });
}

void MainWindow::closeEvent(QCloseEvent* event) {
  m_settings.setLayout(saveGeometry(), saveState(kLayoutVersion));
  m_settings.saveRecipe(m_session.recipe()->recipe());
  m_session.jobs()->cancelAll();
  QMainWindow::closeEvent(event);
}

}  // namespace espalier
