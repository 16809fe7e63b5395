#include "widgets/panels/model_panel.h"

#include <QAction>
#include <QHeaderView>
#include <QLineEdit>
#include <QSortFilterProxyModel>
#include <QTreeView>
#include <QVBoxLayout>

#include "widgets/models/selection.h"
#include "widgets/panels/calm_views.h"
#include "widgets/theme/theme.h"

namespace espalier {

namespace {
// Names two levels deep stay readable beside the numbers.
constexpr int kLeastWidth = 36 * kGrid;
}  // namespace

ModelPanel::ModelPanel(Selection* selection, QWidget* parent) : QWidget(parent), m_selection(selection) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(kGrid, kGrid, kGrid, 0);
  layout->setSpacing(kGrid);
  m_search = new QLineEdit(this);
  m_search->setPlaceholderText(tr("Search weights"));
  m_search->setClearButtonEnabled(true);
  m_search->setAccessibleName(tr("Search weights"));
  m_search->setToolTip(tr("Shows the weights whose name holds this text (Ctrl+F)."));
  layout->addWidget(m_search);

  m_model = new ModelTreeModel(this);
  m_filter = new QSortFilterProxyModel(this);
  m_filter->setSourceModel(m_model);
  m_filter->setFilterRole(ModelTreeModel::SearchRole);
  m_filter->setRecursiveFilteringEnabled(true);
  m_filter->setAutoAcceptChildRows(true);
  m_filter->setFilterCaseSensitivity(Qt::CaseInsensitive);
  m_tree = new QTreeView(this);
  m_tree->setModel(m_filter);
  m_tree->setFrameShape(QFrame::NoFrame);
  useCalmSelection(m_tree);
  m_tree->setUniformRowHeights(true);
  m_tree->setAccessibleName(tr("Model tree"));
  m_tree->setAllColumnsShowFocus(true);
  m_tree->setIndentation(2 * kGrid);
  m_tree->setItemDelegate(new TallRows(m_tree));
  m_tree->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  QHeaderView* header = m_tree->header();
  header->setStretchLastSection(false);
  header->setMinimumSectionSize(5 * kGrid);
  header->setSectionResizeMode(ModelTreeModel::NameColumn, QHeaderView::Stretch);
  for (const int column : {int(ModelTreeModel::ParametersColumn), int(ModelTreeModel::SizeColumn)}) {
    header->setSectionResizeMode(column, QHeaderView::ResizeToContents);
  }
  // The dock is narrow: the form stands in the properties unless asked for here.
  m_tree->setColumnHidden(ModelTreeModel::FormColumn, true);
  header->setContextMenuPolicy(Qt::ActionsContextMenu);
  auto* showForm = new QAction(tr("Show the form"), header);
  showForm->setCheckable(true);
  header->addAction(showForm);
  connect(showForm, &QAction::toggled, this,
          [this](bool shown) { m_tree->setColumnHidden(ModelTreeModel::FormColumn, !shown); });
  layout->addWidget(m_tree, 1);
  setMinimumWidth(kLeastWidth);

  connect(m_search, &QLineEdit::textChanged, this, [this](const QString& text) {
    m_filter->setFilterFixedString(text.trimmed());
    if (!text.trimmed().isEmpty()) m_tree->expandAll();
    Q_EMIT searched(text.trimmed());
  });
  connect(m_tree->selectionModel(), &QItemSelectionModel::currentChanged, this, &ModelPanel::currentChanged);
  connect(m_tree, &QTreeView::activated, this, [this](const QModelIndex& index) {
    const QString slot = index.data(ModelTreeModel::SlotRole).toString();
    if (!slot.isEmpty()) Q_EMIT slotOpened(slot);
  });
  connect(selection, &Selection::changed, this, &ModelPanel::followSelection);
}

void ModelPanel::setModel(const OpenedModelPtr& model) {
  m_model->setTree(model ? model->tree : nullptr);
  if (model && !model->model.architecture.layers.empty()) {
    m_tree->expand(m_filter->mapFromSource(m_model->indexOfLayer(0)));
  }
}

void ModelPanel::focusSearch() {
  m_search->setFocus();
  m_search->selectAll();
}

void ModelPanel::currentChanged(const QModelIndex& index) {
  if (m_following || !index.isValid()) return;
  const QString slot = index.data(ModelTreeModel::SlotRole).toString();
  const int layer = index.data(ModelTreeModel::LayerRole).toInt();
  m_following = true;
  if (slot.isEmpty()) {
    m_selection->selectLayer(layer);
  } else {
    m_selection->selectSlot(slot, layer);
  }
  m_following = false;
}

void ModelPanel::followSelection() {
  if (m_following) return;
  const SelectionState& state = m_selection->state();
  QModelIndex source = state.slot.isEmpty() ? QModelIndex() : m_model->indexOfSlot(state.slot);
  if (!source.isValid() && state.layer >= 0) source = m_model->indexOfLayer(state.layer);
  m_following = true;
  const QModelIndex shown = m_filter->mapFromSource(source);
  m_tree->setCurrentIndex(shown);
  if (shown.isValid()) m_tree->scrollTo(shown);
  m_following = false;
}

}  // namespace espalier
