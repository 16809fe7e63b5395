#include "widgets/panels/calm_views.h"

#include <QAbstractItemView>
#include <QEvent>
#include <QPainter>
#include <QScrollBar>

#include <algorithm>

#include "widgets/theme/theme.h"

namespace espalier {

void useCalmSelection(QAbstractItemView* view) {
  const auto recolor = [view] {
    const ThemeColors& colors = Theme::instance().colors();
    QPalette palette = view->palette();
    palette.setColor(QPalette::Highlight, colors.selection);
    palette.setColor(QPalette::HighlightedText, colors.text);
    view->setPalette(palette);
  };
  QObject::connect(&Theme::instance(), &Theme::changed, view, recolor);
  recolor();
}

QSize TallRows::sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const {
  const QSize size = QStyledItemDelegate::sizeHint(option, index);
  return {size.width(), std::max(size.height(), option.fontMetrics.height() + kGrid)};
}

ColumnScrollArea::ColumnScrollArea(QWidget* parent) : QScrollArea(parent) {
  setWidgetResizable(true);
  setFrameShape(QFrame::NoFrame);
  setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
}

QSize ColumnScrollArea::minimumSizeHint() const {
  const QSize size = QScrollArea::minimumSizeHint();
  if (!widget()) return size;
  return {widget()->minimumSizeHint().width() + verticalScrollBar()->sizeHint().width(), size.height()};
}

bool ColumnScrollArea::eventFilter(QObject* object, QEvent* event) {
  if (object == widget() && event->type() == QEvent::LayoutRequest) updateGeometry();
  return QScrollArea::eventFilter(object, event);
}

ElidedLabel::ElidedLabel(Qt::TextElideMode mode, QWidget* parent) : QLabel(parent), m_mode(mode) {
  setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
}

void ElidedLabel::setFullText(const QString& text) {
  m_text = text;
  setToolTip(text);
  setAccessibleName(text);
  updateGeometry();
  update();
}

QSize ElidedLabel::minimumSizeHint() const { return {4 * kGrid, fontMetrics().height()}; }

void ElidedLabel::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setPen(palette().color(foregroundRole()));
  painter.drawText(rect(), Qt::AlignLeft | Qt::AlignVCenter, fontMetrics().elidedText(m_text, m_mode, width()));
}

}  // namespace espalier
