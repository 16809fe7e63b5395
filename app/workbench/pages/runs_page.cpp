#include "app/workbench/pages/runs_page.h"

#include <QAction>
#include <QClipboard>
#include <QEvent>
#include <QGuiApplication>
#include <QHeaderView>
#include <QLabel>
#include <QSortFilterProxyModel>
#include <QToolButton>
#include <QTreeView>
#include <QVBoxLayout>

#include <algorithm>
#include <functional>

#include "app/workbench/pages/tradeoff_page.h"
#include "widgets/charts/figure.h"
#include "widgets/models/runs_model.h"
#include "widgets/panels/calm_views.h"

namespace espalier {

RunsPage::RunsPage(Session* session, QWidget* parent) : Page(session, QStringLiteral("runs"), tr("Runs"), parent) {
  auto* content = new QWidget(this);
  auto* layout = new QVBoxLayout(content);
  layout->setContentsMargins(0, 0, 0, kGrid);
  layout->setSpacing(kGrid);
  m_model = new RunsModel(session->runs(), this);
  m_sorted = new QSortFilterProxyModel(this);
  m_sorted->setSourceModel(m_model);
  m_sorted->setSortRole(RunsModel::SortRole);
  m_tree = new QTreeView(content);
  m_tree->setModel(m_sorted);
  m_tree->setSortingEnabled(true);
  m_tree->sortByColumn(-1, Qt::AscendingOrder);
  m_tree->setSelectionMode(QAbstractItemView::SingleSelection);
  m_tree->setFrameShape(QFrame::NoFrame);
  useCalmSelection(m_tree);
  m_tree->setUniformRowHeights(true);
  m_tree->setAllColumnsShowFocus(true);
  m_tree->setIndentation(2 * kGrid);
  m_tree->setItemDelegate(new TallRows(m_tree));
  m_tree->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  m_tree->setAccessibleName(tr("Runs"));
  m_tree->setContextMenuPolicy(Qt::ActionsContextMenu);
  m_tree->viewport()->installEventFilter(this);
  QHeaderView* header = m_tree->header();
  header->setStretchLastSection(false);
  header->setSectionsMovable(false);
  header->setSectionResizeMode(QHeaderView::Fixed);
  header->setSectionResizeMode(RunsModel::NameColumn, QHeaderView::Stretch);
  header->setMinimumSectionSize(5 * kGrid);
  connect(&Theme::instance(), &Theme::changed, this, &RunsPage::fitColumns);
  // A recipe shows all its steps until somebody closes it.
  connect(m_sorted, &QAbstractItemModel::rowsInserted, m_tree, &QTreeView::expand);
  m_tree->expandAll();
  fitColumns();
  layout->addWidget(m_tree, 1);

  auto* below = new QHBoxLayout;
  below->setContentsMargins(2 * kGrid, 0, 2 * kGrid, 0);
  m_detail = new QLabel(content);
  m_detail->setWordWrap(true);
  m_detail->setTextInteractionFlags(Qt::TextSelectableByMouse);
  m_detail->setMinimumHeight(5 * kGrid);
  m_detail->setAlignment(Qt::AlignLeft | Qt::AlignTop);
  below->addWidget(m_detail, 1);
  m_open = new QAction(tr("Open model"), this);
  m_take = new QAction(tr("Edit recipe"), this);
  m_copy = new QAction(tr("Copy table"), this);
  for (QAction* action : {m_open, m_take, m_copy}) {
    m_tree->addAction(action);
    auto* button = new QToolButton(content);
    button->setDefaultAction(action);
    button->setToolButtonStyle(Qt::ToolButtonTextOnly);
    below->addWidget(button, 0, Qt::AlignTop);
  }
  layout->addLayout(below);
  setContent(content);

  connect(m_open, &QAction::triggered, this, [this] {
    if (const RunRow* row = currentRow()) this->session()->openModel(row->bundle);
  });
  connect(m_take, &QAction::triggered, this, &RunsPage::takeAsRecipe);
  connect(m_copy, &QAction::triggered, this, &RunsPage::copyTable);
  connect(m_tree->selectionModel(), &QItemSelectionModel::currentRowChanged, this, [this](const QModelIndex& index) {
    if (!m_following && index.isValid()) {
      this->session()->selection()->selectRun(index.data(RunsModel::HashRole).toString());
    }
  });
  connect(session->selection(), &Selection::changed, this, &RunsPage::followSelection);
  connect(session->runs(), &RunStore::changed, this, &RunsPage::refresh);
  connect(session->runs(), &RunStore::loadFailed, this, [this](const QString& message) {
    bar()->showMessage(MessageBar::Kind::Error, message, tr("Read again"),
                       [this] { this->session()->runs()->reload(); });
  });
  connect(session, &Session::modelOpening, this, &RunsPage::refresh);
  connect(session, &Session::modelFailed, this, &RunsPage::refresh);
  connect(session, &Session::modelChanged, this, &RunsPage::refresh);
  connect(session, &Session::taskChanged, this, &RunsPage::refresh);
  refresh();
}

bool RunsPage::eventFilter(QObject* object, QEvent* event) {
  if (object == m_tree->viewport() && event->type() == QEvent::Resize) fitColumns();
  return Page::eventFilter(object, event);
}

// Each column is wide enough for its header and the widest number there can be; what is left is the name's. Where that
// would be too little, columns go that others imply: all numbers of the chosen run stand below the tree.
void RunsPage::fitColumns() {
  static const RunsModel::Column kFirstToGo[] = {RunsModel::LoyaltyColumn, RunsModel::MacsColumn, RunsModel::PColumn,
                                                 RunsModel::LatencyColumn, RunsModel::SizeColumn};
  const QFontMetrics metrics(Theme::instance().bodyFont());
  int sum = 0;
  for (int column = 0; column < RunsModel::NumColumns; ++column) {
    if (column == RunsModel::NameColumn) continue;
    const QString header = m_model->headerData(column, Qt::Horizontal, Qt::DisplayRole).toString();
    const QString widest =
        column == RunsModel::AccuracyColumn ? QStringLiteral("92.7 (91.2–93.9)") : QStringLiteral("0.0000");
    // A header has an arrow beside its text when the tree is sorted by it.
    const int width = std::max(metrics.horizontalAdvance(header), metrics.horizontalAdvance(widest)) + 3 * kGrid / 2;
    m_tree->setColumnWidth(column, width);
    m_tree->setColumnHidden(column, false);
    sum += width;
  }
  const int name = metrics.horizontalAdvance(QStringLiteral("prune.heads (share 0.25)")) + 8 * kGrid;
  for (const RunsModel::Column column : kFirstToGo) {
    if (sum + name <= m_tree->viewport()->width()) break;
    sum -= m_tree->columnWidth(column);
    m_tree->setColumnHidden(column, true);
  }
}

void RunsPage::activate() { m_tree->setFocus(); }

const RunRow* RunsPage::currentRow() const {
  return session()->runs()->find(m_tree->currentIndex().data(RunsModel::HashRole).toString());
}

void RunsPage::refresh() {
  if (showModelMissing()) return;
  if (!session()->task()) {
    showEmpty(tr("Runs are measured on a task: open the one this model was trained for."), tr("Open a task …"),
              [this] { Q_EMIT openTaskAsked(); });
  } else if (session()->runs()->rows().empty()) {
    showEmpty(tr("No run on this model and task yet. Every step of a recipe that runs appears here."),
              tr("Run the recipe"), [this] { Q_EMIT runAsked(); });
  } else {
    showContent();
    followSelection();
  }
}

void RunsPage::followSelection() {
  const QString run = session()->selection()->state().run;
  m_following = true;
  const QModelIndex index = m_sorted->mapFromSource(m_model->indexOfRun(run));
  m_tree->setCurrentIndex(index);
  if (index.isValid()) m_tree->scrollTo(index);
  m_following = false;
  updateActions();
}

void RunsPage::updateActions() {
  const RunRow* row = currentRow();
  const QString none = tr("No run is selected.");
  m_open->setEnabled(row && !row->bundle.isEmpty() && !row->isBaseline());
  m_open->setToolTip(!row                ? none
                     : row->isBaseline() ? tr("The baseline is open already.")
                                         : tr("Opens the model that this run made."));
  m_take->setEnabled(row && !row->isBaseline());
  m_take->setToolTip(!row                ? none
                     : row->isBaseline() ? tr("The baseline has no steps.")
                                         : tr("Puts this run's steps into the recipe; undo brings the old one back."));
  m_copy->setToolTip(tr("Copies the whole table as CSV."));
  if (!row) {
    m_detail->setText(tr("Select a run to see it here and in the plots."));
    return;
  }
  QStringList lines{describeRun(*row, session()->runs()->baselineOf(*row))};
  if (!row->recipes.isEmpty() && !row->isBaseline()) {
    lines << tr("Recipe: %1").arg(row->recipes.join(QStringLiteral(", "))).toHtmlEscaped();
  }
  for (const QString& note : row->notes) lines << note.toHtmlEscaped();
  for (const QString& warning : row->warnings) lines << warning.toHtmlEscaped();
  m_detail->setText(lines.join(QStringLiteral("<br>")));
}

void RunsPage::takeAsRecipe() {
  const RunRow* row = currentRow();
  if (!row) return;
  Recipe recipe = session()->recipe()->recipe();
  recipe.steps.clear();
  for (size_t depth = 0; row && !row->method.isEmpty() && depth <= session()->runs()->rows().size(); ++depth) {
    Step step;
    step.method = row->method.toStdString();
    step.settings = row->settings;
    step.scope = row->scope;
    recipe.steps.insert(recipe.steps.begin(), std::move(step));
    row = session()->runs()->find(row->parent);
  }
  session()->recipe()->replace(recipe, tr("take the recipe of a run"));
}

void RunsPage::copyTable() {
  QStringList fields;
  for (int column = 0; column < RunsModel::NumColumns; ++column) {
    fields << m_sorted->headerData(column, Qt::Horizontal).toString();
  }
  QString csv = csvLine(fields);
  const std::function<void(const QModelIndex&)> addBelow = [&](const QModelIndex& parent) {
    for (int row = 0; row < m_sorted->rowCount(parent); ++row) {
      const QModelIndex first = m_sorted->index(row, RunsModel::NameColumn, parent);
      fields = {first.data(RunsModel::FullNameRole).toString()};
      for (int column = RunsModel::NameColumn + 1; column < RunsModel::NumColumns; ++column) {
        fields << first.siblingAtColumn(column).data().toString();
      }
      csv += csvLine(fields);
      addBelow(first);
    }
  };
  addBelow({});
  QGuiApplication::clipboard()->setText(csv);
}

}  // namespace espalier
