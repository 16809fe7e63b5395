#include "app/workbench/pages/flips_page.h"

#include <QAction>
#include <QComboBox>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QSplitter>
#include <QToolButton>
#include <QTreeView>
#include <QTreeWidget>
#include <QVBoxLayout>

#include "app/workbench/run_picker.h"
#include "widgets/charts/confusion_view.h"
#include "widgets/models/display_text.h"
#include "widgets/panels/calm_views.h"
#include "widgets/theme/numbers.h"

namespace espalier {

namespace {

enum Pairs { BeforeAfter, LabelAfter };

constexpr int kSliceColumns = 5;

QString sliceName(const FlipGroup& slice) {
  if (slice.by == QLatin1String("word")) return FlipsPage::tr("with “%1”").arg(slice.name);
  if (slice.by == QLatin1String("label")) return FlipsPage::tr("label %1").arg(slice.name);
  if (slice.by == QLatin1String("loss")) return FlipsPage::tr("loss %1").arg(slice.name);
  return slice.name;
}

}  // namespace

FlipsPage::FlipsPage(Session* session, QWidget* parent)
    : MeasurementPage(session, QStringLiteral("flips"), tr("Flips"), parent) {
  auto* content = new QWidget(this);
  auto* layout = new QVBoxLayout(content);
  layout->setContentsMargins(2 * kGrid, kGrid, 2 * kGrid, kGrid);
  layout->setSpacing(kGrid);
  auto* top = new QHBoxLayout;
  top->setSpacing(kGrid);
  auto* label = new QLabel(tr("Compare with"), content);
  m_run = new RunPicker(session, {}, content);
  label->setBuddy(m_run);
  top->addWidget(label);
  top->addWidget(m_run, 1);
  m_model = new FlipsModel(this);
  m_filter = new FlipsFilter(m_model, this);
  const std::pair<FlipChange, QString> changes[] = {
      {FlipChange::Lost, tr("Lost")}, {FlipChange::Gained, tr("Gained")}, {FlipChange::Moved, tr("Moved")}};
  for (const auto& [change, name] : changes) {
    auto* button = new QToolButton(content);
    button->setText(name);
    button->setCheckable(true);
    button->setChecked(true);
    button->setToolTip(tr("Shows or hides these examples."));
    connect(button, &QToolButton::toggled, this, [this, which = change](bool on) {
      m_filter->setChange(which, on);
      showCount();
    });
    top->addWidget(button);
    m_changes.push_back(button);
  }
  layout->addLayout(top);
  m_summary = new QLabel(content);
  m_summary->setWordWrap(true);
  m_summary->setTextInteractionFlags(Qt::TextSelectableByMouse);
  layout->addWidget(m_summary);

  auto* splitter = new QSplitter(Qt::Vertical, content);
  splitter->setChildrenCollapsible(false);
  m_table = new QTreeView(splitter);
  m_table->setModel(m_filter);
  m_table->setAccessibleName(tr("Examples whose answer changed"));
  m_table->setRootIsDecorated(false);
  m_table->setUniformRowHeights(true);
  m_table->setAllColumnsShowFocus(true);
  m_table->setSortingEnabled(true);
  m_table->sortByColumn(FlipsModel::LossColumn, Qt::DescendingOrder);
  m_table->setFrameShape(QFrame::NoFrame);
  m_table->setItemDelegate(new TallRows(m_table));
  m_table->setContextMenuPolicy(Qt::ActionsContextMenu);
  useCalmSelection(m_table);
  QHeaderView* header = m_table->header();
  header->setStretchLastSection(false);
  header->setSectionResizeMode(QHeaderView::ResizeToContents);
  header->setSectionResizeMode(FlipsModel::TextColumn, QHeaderView::Stretch);
  auto* below = new QSplitter(Qt::Horizontal, splitter);
  below->setChildrenCollapsible(false);
  auto* left = new QWidget(below);
  auto* leftLayout = new QVBoxLayout(left);
  leftLayout->setContentsMargins(0, kGrid, 0, 0);
  leftLayout->setSpacing(0);
  m_pairs = new QComboBox(left);
  m_pairs->setAccessibleName(tr("Which labels the matrix counts"));
  m_pairs->addItem(tr("answers before and after"), BeforeAfter);
  m_pairs->addItem(tr("labels and answers after"), LabelAfter);
  leftLayout->addWidget(m_pairs, 0, Qt::AlignLeft);
  m_confusion = new ConfusionView(left);
  leftLayout->addWidget(m_confusion, 1);
  below->addWidget(left);
  m_slices = new QTreeWidget(below);
  m_slices->setAccessibleName(tr("Slices of the examples"));
  m_slices->setHeaderLabels({tr("Slice"), tr("Count"), tr("Lost, gained"), tr("Points"), tr("p")});
  m_slices->headerItem()->setToolTip(1, tr("Examples of the slice."));
  m_slices->headerItem()->setToolTip(2, tr("Right answers that became wrong, and wrong ones that became right."));
  m_slices->headerItem()->setToolTip(3, tr("Change of accuracy in percentage points."));
  m_slices->headerItem()->setToolTip(4,
                                     tr("McNemar's test on the slice alone; many slices make small ones by chance."));
  for (int i = 1; i < kSliceColumns; ++i)
    m_slices->headerItem()->setTextAlignment(i, Qt::AlignRight | Qt::AlignVCenter);
  m_slices->setRootIsDecorated(false);
  m_slices->setUniformRowHeights(true);
  m_slices->setItemDelegate(new TallRows(m_slices));
  m_slices->setAllColumnsShowFocus(true);
  m_slices->setFrameShape(QFrame::NoFrame);
  m_slices->header()->setStretchLastSection(false);
  m_slices->header()->setSectionResizeMode(QHeaderView::ResizeToContents);
  m_slices->header()->setSectionResizeMode(0, QHeaderView::Stretch);
  useCalmSelection(m_slices);
  below->addWidget(m_slices);
  below->setSizes({26 * kGrid, 52 * kGrid});
  splitter->addWidget(m_table);
  splitter->addWidget(below);
  splitter->setSizes({38 * kGrid, 26 * kGrid});
  layout->addWidget(splitter, 1);

  auto* buttons = new QHBoxLayout;
  m_count = new QLabel(content);
  buttons->addWidget(m_count);
  buttons->addStretch();
  const std::pair<QString, QString> opens[] = {{QStringLiteral("compare"), tr("Compare")},
                                               {QStringLiteral("attention"), tr("Attention")},
                                               {QStringLiteral("saliency"), tr("Saliency")}};
  for (const auto& [page, name] : opens) {
    auto* action = new QAction(name, this);
    action->setToolTip(tr("Shows the selected example on this page."));
    connect(action, &QAction::triggered, this, [this, where = page] { openExample(where); });
    m_table->addAction(action);
    m_opens.push_back(action);
    auto* button = new QToolButton(content);
    button->setDefaultAction(action);
    button->setToolButtonStyle(Qt::ToolButtonTextOnly);
    buttons->addWidget(button);
  }
  layout->addLayout(buttons);
  setContent(content);
  follow(m_confusion);

  connect(m_table, &QTreeView::activated, this, [this] { openExample(QStringLiteral("compare")); });
  connect(m_table->selectionModel(), &QItemSelectionModel::currentRowChanged, this, [this](const QModelIndex& index) {
    for (QAction* action : m_opens) action->setEnabled(index.isValid());
    if (m_following || !index.isValid()) return;
    m_following = true;
    this->session()->selection()->selectExample(index.data(FlipsModel::ExampleRole).toLongLong());
    m_following = false;
  });
  connect(m_confusion, &ConfusionView::cellChosen, this, &FlipsPage::chooseCell);
  connect(m_pairs, &QComboBox::currentIndexChanged, this, &FlipsPage::showConfusion);
  connect(m_slices, &QTreeWidget::currentItemChanged, this, [this](const QTreeWidgetItem* item) {
    if (!item || !m_report) return;
    const int slice = item->data(0, Qt::UserRole).toInt();
    m_filter->setMembers(slice < 0 ? std::nullopt
                                   : std::optional(m_report->slices[static_cast<size_t>(slice)].members));
    showCount();
  });
  connect(session->selection(), &Selection::changed, this, &FlipsPage::followSelection);
  connect(m_run, &RunPicker::runChanged, this, &FlipsPage::refresh);
  connect(session->runs(), &RunStore::changed, this, &FlipsPage::refresh);
  connect(session, &Session::modelOpening, this, &FlipsPage::refresh);
  connect(session, &Session::modelFailed, this, &FlipsPage::refresh);
  connect(session, &Session::modelChanged, this, &FlipsPage::forget);
  connect(session, &Session::taskChanged, this, &FlipsPage::forget);
  refresh();
}

Chart* FlipsPage::mainChart() const { return m_confusion; }

void FlipsPage::activate() { m_table->setFocus(); }

void FlipsPage::forget() {
  forgetMeasurement();
  m_report.reset();
  m_measured.clear();
  refresh();
}

void FlipsPage::refresh() {
  if (showModelMissing()) return;
  const RunRow* run = m_run->run();
  if (!session()->task()) {
    showEmpty(tr("Answers change on examples: open the task that the model answers."), tr("Open a task …"),
              [this] { Q_EMIT openTaskAsked(); });
  } else if (!run) {
    showEmpty(tr("A run's answers are held against the open model's here. Build a recipe at the right and run it."),
              tr("Run the recipe"), [this] { Q_EMIT runAsked(); });
  } else if (isMeasuring()) {
    showBusy(tr("Asking both models on %1 …").arg(session()->task()->name));
  } else if (m_report && m_measured == run->hash) {
    showContent();
  } else {
    showEmpty(tr("See which examples of %1 the run “%2” answers otherwise than the open model.")
                  .arg(session()->task()->name, run->shortName),
              tr("Find the flips"), [this] { measure(); });
  }
}

void FlipsPage::measure() {
  const RunRow* run = m_run->run();
  if (!run || !session()->model() || !session()->task() || isMeasuring()) return;
  JobSpec spec = session()->jobSpec("flips");
  spec.settings["baseline"] = spec.settings["model"];
  spec.settings["model"] = run->bundle.toStdString();
  start(spec, tr("Flips: %1").arg(run->shortName),
        {.piece = {}, .answer = [this, hash = run->hash](const Json& answer) {
           m_measured = hash;
           m_report = readFlips(answer);
           showReport();
           refresh();
         }});
}

void FlipsPage::showReport() {
  const FlipTotals& all = m_report->all;
  m_summary->setText(tr("%1 examples: %2 lost, %3 gained, %4 moved. Accuracy %5 before, %6 after, %7 (McNemar p = %8).")
                         .arg(formatCount(all.examples), formatCount(all.lost), formatCount(all.gained),
                              formatCount(all.moved), percentText(all.before), percentText(all.after),
                              all.p < 0.05 ? tr("which is no chance") : tr("which may be chance"),
                              formatNumber(all.p)));
  m_filter->setMembers(std::nullopt);
  m_filter->setCell(-1, -1, -1);
  m_model->setReport(m_report->examples, m_report->labels);
  m_slices->clear();
  const auto add = [this](const QString& name, const FlipTotals& totals, int slice) {
    auto* item = new QTreeWidgetItem(m_slices);
    item->setText(0, name);
    item->setToolTip(0, name);
    item->setText(1, formatCount(totals.examples));
    item->setText(2, tr("%1, %2").arg(formatCount(totals.lost), formatCount(totals.gained)));
    item->setText(3, pointsText(totals.after - totals.before));
    item->setText(4, formatNumber(totals.p, 2));
    item->setData(0, Qt::UserRole, slice);
    for (int i = 1; i < kSliceColumns; ++i) item->setTextAlignment(i, Qt::AlignRight | Qt::AlignVCenter);
  };
  add(tr("all examples"), all, -1);
  for (size_t i = 0; i < m_report->slices.size(); ++i) {
    add(sliceName(m_report->slices[i]), m_report->slices[i].counts, static_cast<int>(i));
  }
  m_confusion->setConditions(session()->conditions());
  showConfusion();
  for (QAction* action : m_opens) action->setEnabled(m_table->currentIndex().isValid());
}

void FlipsPage::showConfusion() {
  if (!m_report) return;
  m_filter->setCell(-1, -1, -1);
  const bool answers = m_pairs->currentData().toInt() == BeforeAfter;
  m_confusion->setCounts(answers ? m_report->between : m_report->after, m_report->labels,
                         answers ? tr("before") : tr("label"), tr("after"));
  showCount();
}

void FlipsPage::chooseCell(const std::optional<std::pair<int, int>>& cell) {
  const bool answers = m_pairs->currentData().toInt() == BeforeAfter;
  if (!cell) {
    m_filter->setCell(-1, -1, -1);
  } else {
    m_filter->setCell(answers ? -1 : cell->first, answers ? cell->first : -1, cell->second);
  }
  showCount();
}

void FlipsPage::showCount() {
  const int shown = m_filter->rowCount(), all = m_model->rowCount();
  m_count->setText(shown == all ? tr("%1 examples changed").arg(all) : tr("%1 of %2 shown").arg(shown).arg(all));
}

void FlipsPage::openExample(const QString& page) {
  if (m_table->currentIndex().isValid()) Q_EMIT pageAsked(page);
}

void FlipsPage::followSelection() {
  if (m_following) return;
  const qint64 example = session()->selection()->state().example;
  for (int row = 0; row < m_filter->rowCount(); ++row) {
    const QModelIndex index = m_filter->index(row, 0);
    if (index.data(FlipsModel::ExampleRole).toLongLong() != example) continue;
    m_following = true;
    m_table->setCurrentIndex(index);
    m_following = false;
    return;
  }
}

}  // namespace espalier
