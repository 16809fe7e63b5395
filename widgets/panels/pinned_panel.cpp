#include "widgets/panels/pinned_panel.h"

#include <QAction>
#include <QEvent>
#include <QListWidget>
#include <QStackedWidget>
#include <QVBoxLayout>

#include <algorithm>

#include "widgets/charts/figure.h"
#include "widgets/panels/empty_state.h"

namespace espalier {

namespace {
constexpr int kSmallest = 12 * kGrid, kLargest = 80 * kGrid;  // height of a picture
}  // namespace

PinnedPanel::PinnedPanel(QWidget* parent) : QWidget(parent) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  m_stack = new QStackedWidget(this);
  layout->addWidget(m_stack);
  m_empty = new EmptyState(m_stack);
  m_empty->setMessage(tr("Pin a page's picture (Ctrl+Shift+P) to hold it against others here."));
  m_stack->addWidget(m_empty);
  m_list = new QListWidget(m_stack);
  m_list->setAccessibleName(tr("Pinned views"));
  m_list->setViewMode(QListView::IconMode);
  m_list->setFlow(QListView::LeftToRight);
  m_list->setWrapping(false);
  m_list->setMovement(QListView::Static);
  m_list->setSpacing(kGrid);
  m_list->setFrameShape(QFrame::NoFrame);
  m_list->setContextMenuPolicy(Qt::ActionsContextMenu);
  m_list->viewport()->installEventFilter(this);
  m_stack->addWidget(m_list);
  auto* open = new QAction(tr("Show what was selected"), m_list);
  auto* remove = new QAction(tr("Take away"), m_list);
  remove->setShortcut(QKeySequence::Delete);
  remove->setShortcutContext(Qt::WidgetShortcut);
  m_list->addActions({open, remove});
  const auto openCurrent = [this] {
    const int row = m_list->currentRow();
    if (row >= 0) Q_EMIT openAsked(m_states[static_cast<size_t>(row)]);
  };
  connect(open, &QAction::triggered, this, openCurrent);
  connect(m_list, &QListWidget::itemActivated, this, openCurrent);
  connect(remove, &QAction::triggered, this, &PinnedPanel::removeCurrent);
}

void PinnedPanel::pin(const Figure& figure, const QString& page, const SelectionState& selection) {
  const QString title = QStringLiteral("%1: %2").arg(page, figure.figureTitle());
  auto* item = new QListWidgetItem(QIcon(QPixmap::fromImage(renderImage(figure))), title, m_list);
  item->setToolTip(QStringLiteral("%1\n%2").arg(title, figure.figureConditions()));
  m_states.push_back(selection);
  m_list->setCurrentItem(item);
  m_stack->setCurrentWidget(m_list);
  resizePictures();
}

void PinnedPanel::removeCurrent() {
  const int row = m_list->currentRow();
  if (row < 0) return;
  m_states.erase(m_states.begin() + row);
  delete m_list->takeItem(row);
  if (m_states.empty()) m_stack->setCurrentWidget(m_empty);
}

// As large as the panel is high.
void PinnedPanel::resizePictures() {
  const int height =
      std::clamp(m_list->viewport()->height() - 2 * kGrid - 2 * m_list->fontMetrics().height(), kSmallest, kLargest);
  m_list->setIconSize({height * 3 / 2, height});
}

bool PinnedPanel::eventFilter(QObject* object, QEvent* event) {
  if (object == m_list->viewport() && event->type() == QEvent::Resize) resizePictures();
  return QWidget::eventFilter(object, event);
}

}  // namespace espalier
