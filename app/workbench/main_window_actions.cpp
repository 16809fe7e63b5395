// The window's actions: toolbar, menus, status bar.
#include <QActionGroup>
#include <QApplication>
#include <QDockWidget>
#include <QLabel>
#include <QMenu>
#include <QMenuBar>
#include <QMessageBox>
#include <QStatusBar>
#include <QThread>
#include <QToolBar>
#include <QToolButton>

#include "app/workbench/main_window.h"
#include "app/workbench/pages/page.h"
#include "base/version.h"
#include "widgets/models/display_text.h"
#include "widgets/panels/icons.h"
#include "widgets/panels/jobs_panel.h"
#include "widgets/panels/model_panel.h"
#include "widgets/panels/recipe_panel.h"
#include "widgets/theme/theme.h"

namespace espalier {

namespace {

constexpr int kLargestRecent = 9;
constexpr double kTextStep = 1.1;

QWidget* spacer(QWidget* parent) {
  auto* widget = new QWidget(parent);
  widget->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
  return widget;
}

}  // namespace

void MainWindow::buildActions() {
  m_open = new QAction(themedIcon(IconKind::Open), tr("&Open model …"), this);
  m_open->setIconText(tr("Open"));
  m_open->setShortcut(QKeySequence::Open);
  m_open->setToolTip(tr("Opens a model folder (Ctrl+O); a folder dropped on the window opens too."));
  connect(m_open, &QAction::triggered, this, &MainWindow::openModelDialog);

  m_back = new QAction(themedIcon(IconKind::Back), tr("&Back"), this);
  m_back->setShortcuts({QKeySequence(Qt::Key_Backspace), QKeySequence(Qt::ALT | Qt::Key_Left)});
  connect(m_back, &QAction::triggered, m_session.selection(), &Selection::goBack);
  m_forward = new QAction(themedIcon(IconKind::Forward), tr("&Forward"), this);
  m_forward->setShortcut(QKeySequence(Qt::ALT | Qt::Key_Right));
  connect(m_forward, &QAction::triggered, m_session.selection(), &Selection::goForward);

  m_run = new QAction(themedIcon(IconKind::Run), tr("&Run recipe"), this);
  m_run->setIconText(tr("Run"));
  m_run->setShortcut(QKeySequence(Qt::CTRL | Qt::Key_R));
  connect(m_run, &QAction::triggered, this, [this] { m_runController.start(); });
  m_cancelRun = new QAction(themedIcon(IconKind::Stop), tr("&Cancel run"), this);
  m_cancelRun->setShortcut(QKeySequence(Qt::CTRL | Qt::Key_Period));
  connect(m_cancelRun, &QAction::triggered, this, [this] { m_runController.cancel(); });
}

void MainWindow::buildMenus() {
  QMenu* file = menuBar()->addMenu(tr("&File"));
  file->setToolTipsVisible(true);
  file->addAction(m_open);
  connect(file->addAction(tr("Open the &lab")), &QAction::triggered, this,
          [this] { m_session.openModel(QStringLiteral("lab")); });
  QAction* openTask = file->addAction(tr("Open &task …"));
  openTask->setShortcut(QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_T));
  connect(openTask, &QAction::triggered, this, &MainWindow::openTaskDialog);
  m_recentMenu = file->addMenu(tr("Open &recent"));
  file->addSeparator();
  QMenu* figure = file->addMenu(tr("&Figure"));
  connect(figure, &QMenu::aboutToShow, this, [this, figure] { fillFigureMenu(figure); });
  file->addSeparator();
  QAction* quit = file->addAction(tr("&Quit"));
  quit->setShortcut(QKeySequence::Quit);
  connect(quit, &QAction::triggered, this, &QWidget::close);

  QMenu* edit = menuBar()->addMenu(tr("&Edit"));
  QUndoStack* stack = m_session.recipe()->undoStack();
  QAction* undo = stack->createUndoAction(this, tr("&Undo"));
  undo->setShortcut(QKeySequence::Undo);
  undo->setIcon(themedIcon(IconKind::Undo));
  QAction* redo = stack->createRedoAction(this, tr("&Redo"));
  redo->setShortcuts({QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_Z), QKeySequence(Qt::CTRL | Qt::Key_Y)});
  redo->setIcon(themedIcon(IconKind::Redo));
  edit->addAction(undo);
  edit->addAction(redo);
  edit->addSeparator();
  QAction* find = edit->addAction(tr("&Find a weight"));
  find->setShortcut(QKeySequence::Find);
  connect(find, &QAction::triggered, this, [this] {
    m_modelDock->show();
    m_modelDock->raise();
    m_modelPanel->focusSearch();
  });

  QMenu* view = menuBar()->addMenu(tr("&View"));
  view->addAction(m_back);
  view->addAction(m_forward);
  view->addSeparator();
  for (size_t i = 0; i < m_pages.size(); ++i) {
    QAction* action = view->addAction(m_pages[i]->title());
    action->setShortcut(QKeySequence(Qt::ALT | static_cast<Qt::Key>(Qt::Key_0 + static_cast<int>((i + 1) % 10))));
    connect(action, &QAction::triggered, this, [this, i] { showPage(m_pages[i]->name()); });
  }
  view->addSeparator();
  QAction* pin = view->addAction(tr("&Pin this view"));
  pin->setShortcut(QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_P));
  connect(pin, &QAction::triggered, this, &MainWindow::pinView);
  QMenu* theme = view->addMenu(tr("&Theme"));
  auto* modes = new QActionGroup(theme);
  const std::pair<ThemeMode, QString> names[] = {
      {ThemeMode::System, tr("As the &system")}, {ThemeMode::Light, tr("&Light")}, {ThemeMode::Dark, tr("&Dark")}};
  for (const auto& [mode, name] : names) {
    QAction* action = theme->addAction(name);
    action->setCheckable(true);
    action->setChecked(mode == m_settings.themeMode());
    modes->addAction(action);
    connect(action, &QAction::triggered, this, [this, chosen = mode] { setThemeMode(chosen); });
  }
  QAction* larger = view->addAction(tr("Larger text"));
  larger->setShortcuts({QKeySequence::ZoomIn, QKeySequence(Qt::CTRL | Qt::Key_Equal)});
  connect(larger, &QAction::triggered, this, [this] { setTextScale(Theme::instance().textScale() * kTextStep); });
  QAction* smaller = view->addAction(tr("Smaller text"));
  smaller->setShortcut(QKeySequence::ZoomOut);
  connect(smaller, &QAction::triggered, this, [this] { setTextScale(Theme::instance().textScale() / kTextStep); });
  QAction* normal = view->addAction(tr("Normal text"));
  normal->setShortcut(QKeySequence(Qt::CTRL | Qt::Key_0));
  connect(normal, &QAction::triggered, this, [this] { setTextScale(1); });
  view->addSeparator();
  for (QDockWidget* dock : {m_modelDock, m_propertiesDock, m_recipeDock, m_jobsDock, m_pinnedDock}) {
    view->addAction(dock->toggleViewAction());
  }
  m_propertiesDock->toggleViewAction()->setShortcut(QKeySequence(Qt::CTRL | Qt::Key_Return));

  QMenu* recipe = menuBar()->addMenu(tr("Re&cipe"));
  recipe->setToolTipsVisible(true);
  QMenu* add = m_recipePanel->addMenu();
  add->setTitle(tr("&Add step"));
  recipe->addMenu(add);
  for (QAction* action : {m_recipePanel->moveUpAction(), m_recipePanel->moveDownAction(),
                          m_recipePanel->duplicateAction(), m_recipePanel->deleteAction()}) {
    recipe->addAction(action);
  }
  recipe->addSeparator();
  connect(recipe->addAction(tr("&New recipe")), &QAction::triggered, this,
          [this] { m_session.recipe()->replace(Recipe(), tr("new recipe")); });
  QAction* openRecipe = recipe->addAction(tr("&Open recipe …"));
  openRecipe->setShortcut(QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_O));
  connect(openRecipe, &QAction::triggered, this, &MainWindow::openRecipeDialog);
  QAction* saveRecipe = recipe->addAction(tr("&Save recipe …"));
  saveRecipe->setShortcut(QKeySequence::Save);
  connect(saveRecipe, &QAction::triggered, this, &MainWindow::saveRecipeDialog);
  recipe->addSeparator();
  QAction* commandLine = recipe->addAction(tr("Show command &line …"));
  commandLine->setShortcut(QKeySequence(Qt::CTRL | Qt::Key_L));
  connect(commandLine, &QAction::triggered, this, &MainWindow::showCommandLine);

  QMenu* run = menuBar()->addMenu(tr("&Run"));
  run->setToolTipsVisible(true);
  run->addAction(m_run);
  run->addAction(m_cancelRun);
  run->addSeparator();
  run->addAction(m_jobsPanel->cancelAction());

  QMenu* help = menuBar()->addMenu(tr("&Help"));
  connect(help->addAction(tr("A &tour of ten minutes")), &QAction::triggered, this, &MainWindow::showTour);
  QAction* keys = help->addAction(tr("&Keys"));
  keys->setShortcut(QKeySequence::HelpContents);
  connect(keys, &QAction::triggered, this, &MainWindow::showKeys);
  connect(help->addAction(tr("&About Espalier")), &QAction::triggered, this, &MainWindow::showAbout);
  fillRecentMenu();
}

void MainWindow::buildToolBar() {
  QToolBar* bar = addToolBar(tr("Main"));
  bar->setObjectName(QStringLiteral("mainToolBar"));
  bar->setMovable(false);
  bar->setContextMenuPolicy(Qt::PreventContextMenu);
  bar->setIconSize({2 * kGrid, 2 * kGrid});
  bar->addAction(m_open);
  if (auto* button = qobject_cast<QToolButton*>(bar->widgetForAction(m_open))) {
    button->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  }
  bar->addAction(m_back);
  bar->addAction(m_forward);
  bar->addWidget(spacer(bar));

  m_target = new QToolButton(bar);
  m_target->setPopupMode(QToolButton::InstantPopup);
  m_target->setToolButtonStyle(Qt::ToolButtonTextOnly);
  m_target->setAutoRaise(true);
  m_target->setAccessibleName(tr("Model and task"));
  auto* menu = new QMenu(m_target);
  menu->addAction(m_open);
  connect(menu->addAction(tr("Open the lab")), &QAction::triggered, this,
          [this] { m_session.openModel(QStringLiteral("lab")); });
  connect(menu->addAction(tr("Open task …")), &QAction::triggered, this, &MainWindow::openTaskDialog);
  connect(menu->addAction(tr("Use the lab's task")), &QAction::triggered, this,
          [this] { m_session.openTask(QStringLiteral("lab")); });
  menu->addMenu(m_recentMenu);
  m_target->setMenu(menu);
  bar->addWidget(m_target);
  bar->addWidget(spacer(bar));

  auto* device =
      new QLabel(tr("CPU, %1").arg(countedText(QThread::idealThreadCount(), tr("thread"), tr("threads"))), bar);
  device->setToolTip(tr("Jobs run in a worker on the processor."));
  device->setContentsMargins(kGrid, 0, kGrid, 0);
  device->setAccessibleName(tr("Device"));
  bar->addWidget(device);
  auto* run = new QToolButton(bar);
  run->setObjectName(QStringLiteral("runButton"));
  run->setDefaultAction(m_run);
  run->setToolButtonStyle(Qt::ToolButtonTextOnly);
  run->setAccessibleName(tr("Run recipe"));
  // The one action that everything leads to wears the accent.
  const auto recolor = [run] {
    const ThemeColors& colors = Theme::instance().colors();
    run->setStyleSheet(QStringLiteral("#runButton { background: %1; color: %2; border: none; border-radius: 4px; "
                                      "padding: 4px 16px; margin-right: 4px; font-weight: 600; }"
                                      "#runButton:hover { background: %5; }"
                                      "#runButton:disabled { background: %3; color: %4; }")
                           .arg(colors.accent.name(), colors.accentText.name(), colors.line.name(),
                                colors.disabledText.name(), colors.accent.lighter(112).name()));
  };
  connect(&Theme::instance(), &Theme::changed, run, recolor);
  recolor();
  bar->addWidget(run);
}

void MainWindow::buildStatusBar() {
  m_readout = new QLabel(this);
  m_readout->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  m_numbers = new QLabel(this);
  m_numbers->setTextInteractionFlags(Qt::TextSelectableByMouse);
  m_selectionLabel = new QLabel(this);
  for (QLabel* label : {m_readout, m_numbers, m_selectionLabel}) label->setContentsMargins(kGrid, 0, kGrid, 0);
  statusBar()->addWidget(m_readout, 1);
  statusBar()->addPermanentWidget(m_numbers);
  statusBar()->addPermanentWidget(m_selectionLabel);
  statusBar()->setSizeGripEnabled(false);
}

void MainWindow::fillRecentMenu() {
  m_recentMenu->clear();
  int number = 1;
  for (const QString& model : m_settings.recent()) {
    if (number > kLargestRecent) break;
    QAction* action = m_recentMenu->addAction(model);
    action->setShortcut(QKeySequence(Qt::CTRL | static_cast<Qt::Key>(Qt::Key_0 + number)));
    connect(action, &QAction::triggered, this, [this, model] { m_session.openModel(model); });
    ++number;
  }
  m_recentMenu->setEnabled(number > 1);
}

void MainWindow::fillFigureMenu(QMenu* menu) {
  menu->clear();
  Page* shown = currentPage();
  Chart* chart = shown && shown->showsContent() ? shown->mainChart() : nullptr;
  if (chart && !chart->isEmpty()) {
    chart->figureActions().addTo(menu);
  } else {
    menu->addAction(tr("This page shows no figure now"))->setEnabled(false);
  }
}

void MainWindow::setThemeMode(ThemeMode mode) {
  Theme::instance().setMode(mode);
  m_settings.setThemeMode(mode);
}

void MainWindow::setTextScale(double scale) {
  Theme::instance().setTextScale(scale);
  m_settings.setTextScale(Theme::instance().textScale());
}

void MainWindow::showKeys() {
  const std::pair<const char*, QString> keys[] = {{"Ctrl+O", tr("open a model")},
                                                  {"Ctrl+1 … 9", tr("open a recent model")},
                                                  {"Ctrl+F", tr("find a weight")},
                                                  {"Ctrl+Return", tr("properties")},
                                                  {"Alt+1 … 9, Alt+0", tr("pages")},
                                                  {"Backspace", tr("back")},
                                                  {"Ctrl+Shift+P", tr("pin the picture of the page")},
                                                  {"Ctrl+Z, Ctrl+Shift+Z", tr("undo, redo")},
                                                  {"Ctrl+R", tr("run the recipe")},
                                                  {"Ctrl+.", tr("cancel the run")},
                                                  {"Ctrl+S, Ctrl+Shift+O", tr("save, open a recipe")},
                                                  {"Ctrl+L", tr("the command line of the recipe")},
                                                  {"Ctrl+Shift+E, Ctrl+Alt+E", tr("save the figure as PNG, SVG")},
                                                  {"Shift+Up, Shift+Down", tr("zoom a heat map")},
                                                  {"Shift+Backspace", tr("fit the heat map")},
                                                  {"Ctrl++, Ctrl+-, Ctrl+0", tr("text size")}};
  QString rows;
  for (const auto& [key, does] : keys) {
    rows += QStringLiteral("<tr><td><b>%1</b>&nbsp;&nbsp;&nbsp;</td><td>%2</td></tr>").arg(QLatin1String(key), does);
  }
  QMessageBox box(QMessageBox::NoIcon, tr("Keys"), QStringLiteral("<table cellpadding='2'>%1</table>").arg(rows),
                  QMessageBox::Close, this);
  box.exec();
}

void MainWindow::showAbout() {
  QMessageBox::about(
      this, tr("About Espalier"),
      tr("<b>Espalier %1</b><p>Compresses Transformer language models and shows what it costs and gains: "
         "accuracy, size, latency.</p><p>Everything runs on this machine.</p>")
          .arg(QLatin1String(kVersion)));
}

}  // namespace espalier
