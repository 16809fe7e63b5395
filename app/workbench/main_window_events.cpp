// What the window does when the session, the runs or the person say something.
#include <QApplication>
#include <QClipboard>
#include <QDialog>
#include <QDialogButtonBox>
#include <QDockWidget>
#include <QFile>
#include <QFileDialog>
#include <QFileInfo>
#include <QLabel>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QTimer>
#include <QToolButton>
#include <QVBoxLayout>

#include <cmath>

#include "app/workbench/lesson_window.h"
#include "app/workbench/main_window.h"
#include "app/workbench/pages/page.h"
#include "formats/atomic_file.h"
#include "widgets/models/display_text.h"
#include "widgets/panels/message_bar.h"
#include "widgets/panels/model_panel.h"
#include "widgets/panels/pinned_panel.h"
#include "widgets/panels/properties_panel.h"
#include "widgets/theme/numbers.h"

namespace espalier {

void MainWindow::connectSession() {
  connect(&m_session, &Session::modelOpening, this, [this] {
    m_bar->clear();
    updateTitle();
  });
  connect(&m_session, &Session::modelChanged, this, [this] {
    const OpenedModelPtr& model = m_session.model();
    m_modelPanel->setModel(model);
    m_properties->setModel(model);
    m_settings.setLastModel(model->location);
    if (model->location != QLatin1String("lab")) m_settings.addRecent(model->location);
    fillRecentMenu();
    // Where it was used before with a task, that task comes with it.
    const QString task = m_settings.taskFor(model->location);
    if (!task.isEmpty() && (!m_session.task() || m_session.task()->location != task)) m_session.openTask(task);
    updateTitle();
    updateStatus();
  });
  connect(&m_session, &Session::modelFailed, this, [this](const QString&, const ErrorInfo& error) {
    m_bar->showMessage(MessageBar::Kind::Error, QString::fromStdString(error.message), tr("Open another …"),
                       [this] { openModelDialog(); });
    updateTitle();
  });
  connect(&m_session, &Session::taskChanged, this, [this] {
    if (m_session.model() && m_session.task()) {
      m_settings.setTaskFor(m_session.model()->location, m_session.task()->location);
    }
    updateTitle();
  });
  connect(&m_session, &Session::taskFailed, this, [this](const QString&, const ErrorInfo& error) {
    m_bar->showMessage(MessageBar::Kind::Error, QString::fromStdString(error.message), tr("Open another task …"),
                       [this] { openTaskDialog(); });
  });
  connect(m_session.catalog(), &MethodCatalog::changed, this, [this] {
    if (m_session.catalog()->state() == MethodCatalog::State::Failed) {
      m_bar->showMessage(MessageBar::Kind::Error,
                         tr("The worker did not tell its methods: %1").arg(m_session.catalog()->failure()),
                         tr("Try again"), [this] { m_session.requestCatalog(); });
    }
  });
  Selection* selection = m_session.selection();
  connect(selection, &Selection::changed, this, [this](const SelectionState& now, const SelectionState& before) {
    if (now.page != before.page) showPage(now.page);
    updateStatus();
  });
  connect(selection, &Selection::historyChanged, this, &MainWindow::updateHistory);
  connect(m_session.runs(), &RunStore::changed, this, [this] {
    updateStatus();
    offerContinue();
  });
}

void MainWindow::connectRuns() {
  connect(&m_runController, &RunController::stateChanged, this, [this] {
    // What happens to this run is told when it happens.
    if (m_runController.isRunning()) m_offeredFor = openTarget();
    updateRun();
  });
  connect(&m_runController, &RunController::rowArrived, this,
          [this](const QString& hash) { m_session.selection()->selectRun(hash); });
  connect(&m_runController, &RunController::finished, this, [this] {
    m_bar->showMessage(
        MessageBar::Kind::Note,
        tr("The recipe has run: %1 measured.").arg(countedText(m_runController.rowsReceived(), tr("row"), tr("rows"))),
        currentPage() == page(QStringLiteral("tradeoff")) ? QString() : tr("Show the trade-off"),
        [this] { showPage(QStringLiteral("tradeoff")); });
  });
  connect(&m_runController, &RunController::failed, this, [this](const ErrorInfo& error, int finished, int steps) {
    const QString kept =
        finished > 0 ? tr(" %1 of %2 steps are finished and kept.").arg(finished).arg(steps) : QString();
    // What the person gave was wrong: the same again would fail the same way.
    const bool again = error.kind != ErrorKind::InvalidInput;
    m_bar->showMessage(MessageBar::Kind::Error, QString::fromStdString(error.message) + kept,
                       again ? tr("Continue") : QString(), [this] { m_runController.continueLast(); });
  });
  connect(&m_runController, &RunController::cancelled, this, [this](int finished, int steps) {
    m_bar->showMessage(MessageBar::Kind::Note,
                       tr("The run was cancelled; %1 of %2 steps are finished and kept.").arg(finished).arg(steps),
                       tr("Continue"), [this] { m_runController.continueLast(); });
  });
}

QString MainWindow::openTarget() const {
  return m_session.model() && m_session.task()
             ? m_session.model()->location + QLatin1Char('\n') + m_session.task()->location
             : QString();
}

// A run that an earlier window or worker did not finish: it goes on where it stopped.
void MainWindow::offerContinue() {
  if (m_runController.isRunning() || !m_session.model() || !m_session.task()) return;
  const QString target = openTarget();
  if (target == m_offeredFor || m_session.runs()->runs().empty()) return;
  m_offeredFor = target;
  const RunSummary& last = m_session.runs()->runs().front();
  if (last.state != QLatin1String("interrupted")) return;
  m_bar->showMessage(
      MessageBar::Kind::Note,
      tr("The run \"%1\" was interrupted; %2 finished and kept.")
          .arg(last.name, countedText(static_cast<int64_t>(last.steps.size()), tr("step is"), tr("steps are"))),
      tr("Continue"), [this, recipe = last.recipe] { m_runController.start(recipe); });
}

void MainWindow::updateTitle() {
  const OpenedModelPtr& model = m_session.model();
  QString text;
  if (m_session.isOpeningModel()) {
    text = tr("opening %1 …").arg(QFileInfo(m_session.wantedModel()).fileName());
  } else if (!model) {
    text = tr("no model");
  } else if (m_session.task()) {
    text = tr("%1 on %2 %3").arg(model->name, m_session.task()->name, m_session.task()->devSplit);
  } else {
    text = tr("%1, no task").arg(model->name);
  }
  m_target->setText(text);
  m_target->setToolTip(m_session.task() ? m_session.task()->description
                                        : tr("Choose a model and the task to measure it on."));
  setWindowTitle(model ? tr("%1 – Espalier").arg(text) : tr("Espalier"));
}

void MainWindow::updateRun() {
  const QString why = m_runController.whyNot();
  m_run->setEnabled(why.isEmpty());
  m_run->setToolTip(!why.isEmpty() ? why
                    : m_session.recipe()->numEnabledSteps() == 0
                        ? tr("Measures the model as it is: the recipe has no steps (Ctrl+R).")
                        : tr("Runs the recipe and measures every step (Ctrl+R)."));
  m_cancelRun->setEnabled(m_runController.isRunning());
  m_cancelRun->setToolTip(m_runController.isRunning() ? tr("Stops the run; finished steps stay (Ctrl+.).")
                                                      : tr("Nothing is running."));
}

void MainWindow::updateHistory() {
  const Selection* selection = m_session.selection();
  m_back->setEnabled(selection->canGoBack());
  m_back->setToolTip(selection->canGoBack() ? tr("Back to what was shown before (Backspace).")
                                            : tr("There is nothing to go back to."));
  m_forward->setEnabled(selection->canGoForward());
  m_forward->setToolTip(selection->canGoForward() ? tr("Forward again (Alt+Right).")
                                                  : tr("There is nothing to go forward to."));
}

void MainWindow::updateStatus() {
  QStringList numbers;
  const RunRow* row = m_session.runs()->find(m_session.selection()->state().run);
  if (!row) row = m_session.runs()->baseline();
  if (row) {
    if (std::isfinite(row->accuracy)) {
      numbers << tr("accuracy %1").arg(formatInterval(row->accuracy, row->accuracyLow, row->accuracyHigh));
    }
    if (std::isfinite(row->bytes)) numbers << formatBytes(row->bytes);
    if (std::isfinite(row->latency)) numbers << tr("%1 ms").arg(formatNumber(row->latency));
    m_numbers->setToolTip(row->name);
  } else if (m_session.model()) {
    numbers << formatBytes(static_cast<double>(m_session.model()->bytes)) << tr("not measured yet");
  }
  m_numbers->setText(numbers.join(QStringLiteral("    ")));
  const QString selected = m_session.selection()->describe();
  m_selectionLabel->setText(selected.isEmpty() ? QString() : tr("selection: %1").arg(selected));
}

void MainWindow::pinView() {
  const Page* shown = currentPage();
  const Chart* chart = shown && shown->showsContent() ? shown->mainChart() : nullptr;
  if (!chart || chart->isEmpty()) {
    m_bar->showMessage(MessageBar::Kind::Note, tr("This page shows no picture to pin now."));
    return;
  }
  m_pinned->pin(*chart, shown->title(), m_session.selection()->state());
  m_pinnedDock->show();
  m_pinnedDock->raise();
}

void MainWindow::openModelDialog() {
  const QString start = m_session.model() && m_session.model()->location != QLatin1String("lab")
                            ? QFileInfo(m_session.model()->location).absolutePath()
                            : QString();
  const QString folder = QFileDialog::getExistingDirectory(this, tr("Open a model folder"), start);
  if (!folder.isEmpty()) m_session.openModel(folder);
}

void MainWindow::openTaskDialog() {
  const QString folder =
      QFileDialog::getExistingDirectory(this, tr("Open a task: a folder with train and dev files (TSV, CSV, JSONL)"));
  if (!folder.isEmpty()) m_session.openTask(folder);
}

void MainWindow::openRecipeDialog() {
  const QString file = QFileDialog::getOpenFileName(this, tr("Open a recipe"), {}, tr("Recipes (*.json)"));
  if (!file.isEmpty()) loadRecipe(file);
}

void MainWindow::loadRecipe(const QString& file) {
  m_recipeReader.start<Recipe>([file](const CancelToken&) { return read_recipe(file.toStdString()); },
                               [this, file](const std::shared_ptr<Recipe>& recipe) {
                                 m_session.recipe()->replace(*recipe, tr("open %1").arg(QFileInfo(file).fileName()));
                                 m_bar->clear();
                               },
                               [this](const ErrorInfo& error) {
                                 m_bar->showMessage(MessageBar::Kind::Error, QString::fromStdString(error.message),
                                                    tr("Open another recipe …"), [this] { openRecipeDialog(); });
                               });
}

void MainWindow::saveRecipeDialog() {
  const QString file =
      QFileDialog::getSaveFileName(this, tr("Save the recipe"), QStringLiteral("recipe.json"), tr("Recipes (*.json)"));
  if (file.isEmpty()) return;
  m_recipeWriter.start<bool>(
      [path = file.toStdString(), text = to_json(m_session.recipe()->recipe()).dump(2) + "\n"](const CancelToken&) {
        write_file_atomically(path, text);
        return true;
      },
      [this, file](const std::shared_ptr<bool>&) {
        m_bar->showMessage(MessageBar::Kind::Note, tr("Saved %1.").arg(file));
      },
      [this](const ErrorInfo& error) {
        m_bar->showMessage(MessageBar::Kind::Error, QString::fromStdString(error.message), tr("Save elsewhere …"),
                           [this] { saveRecipeDialog(); });
      });
}

void MainWindow::showCommandLine() {
  QDialog dialog(this);
  dialog.setWindowTitle(tr("Command line of the recipe"));
  auto* layout = new QVBoxLayout(&dialog);
  auto* intro =
      new QLabel(tr("Save this as recipe.json, then the command below does the same in a terminal."), &dialog);
  intro->setWordWrap(true);
  layout->addWidget(intro);
  const Recipe& recipe = m_session.recipe()->recipe();
  auto* json = new QPlainTextEdit(QString::fromStdString(to_json(recipe).dump(2)), &dialog);
  json->setReadOnly(true);
  json->setFont(Theme::instance().monospaceFont());
  json->setAccessibleName(tr("Recipe as JSON"));
  layout->addWidget(json, 1);
  const QString command = QString::fromStdString(command_line_of(recipe, "recipe.json"));
  auto* line = new QPlainTextEdit(command, &dialog);
  line->setReadOnly(true);
  line->setFont(Theme::instance().monospaceFont());
  line->setFixedHeight(8 * kGrid);
  line->setAccessibleName(tr("Command"));
  layout->addWidget(line);
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, &dialog);
  QPushButton* copy = buttons->addButton(tr("Copy command"), QDialogButtonBox::ActionRole);
  QPushButton* copyJson = buttons->addButton(tr("Copy recipe"), QDialogButtonBox::ActionRole);
  connect(copy, &QPushButton::clicked, &dialog, [command] { QApplication::clipboard()->setText(command); });
  connect(copyJson, &QPushButton::clicked, &dialog,
          [json] { QApplication::clipboard()->setText(json->toPlainText()); });
  connect(buttons, &QDialogButtonBox::rejected, &dialog, &QDialog::reject);
  layout->addWidget(buttons);
  dialog.resize(72 * kGrid, 56 * kGrid);
  dialog.exec();
}

void MainWindow::showTour() {
  if (!m_tour) {
    const QString path = QString::fromStdString((m_session.resources() / "lessons" / "tour.md").string());
    QFile file(path);
    if (!file.open(QIODevice::ReadOnly)) {
      m_bar->showMessage(MessageBar::Kind::Error,
                         tr("The tour cannot be read: %1: %2. Install Espalier again, or set ESPALIER_RESOURCES to its "
                            "resources folder.")
                             .arg(path, file.errorString()));
      return;
    }
    m_tour = new LessonWindow(tr("A tour of ten minutes"), QString::fromUtf8(file.readAll()), this);
    m_tour->setAttribute(Qt::WA_DeleteOnClose);
  }
  m_tour->show();
  m_tour->raise();
}

}  // namespace espalier
