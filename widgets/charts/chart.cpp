#include "widgets/charts/chart.h"

#include <QCursor>
#include <QToolTip>

namespace espalier {

Chart::Chart(QWidget* parent) : QWidget(parent), m_actions(new FigureActions(this, this)) {
  setFocusPolicy(Qt::StrongFocus);
  setMouseTracking(true);
  setAttribute(Qt::WA_OpaquePaintEvent);
  connect(&Theme::instance(), &Theme::changed, this, [this] {
    rethemed();
    updateGeometry();
    update();
  });
}

void Chart::setTitle(const QString& title) {
  m_title = title;
  setAccessibleName(title);
  update();
}

void Chart::setConditions(const QString& conditions) { m_conditions = conditions; }

void Chart::setNote(const QString& note) { m_note = note; }

QString Chart::figureConditions() const {
  return m_note.isEmpty() || m_conditions.isEmpty() ? m_note + m_conditions : m_note + ' ' + m_conditions;
}

void Chart::setEmptyText(const QString& sentence) {
  m_emptyText = sentence;
  update();
}

QSize Chart::figureSize() const { return size().expandedTo(sizeHint()); }

void Chart::paintEvent(QPaintEvent*) {
  const ThemeColors& colors = Theme::instance().colors();
  QPainter painter(this);
  painter.fillRect(rect(), colors.surface);
  painter.setRenderHints(QPainter::Antialiasing | QPainter::TextAntialiasing);
  painter.setFont(Theme::instance().bodyFont());
  if (isEmpty()) {
    painter.setPen(colors.secondaryText);
    painter.drawText(QRectF(rect()).adjusted(2 * kGrid, 2 * kGrid, -2 * kGrid, -2 * kGrid),
                     Qt::AlignCenter | Qt::TextWordWrap, m_emptyText);
  } else {
    painter.save();
    paintFigure(painter, rect(), colors);
    painter.restore();
    paintOverlay(painter, colors);
  }
  if (hasFocus()) {
    painter.setRenderHint(QPainter::Antialiasing, false);
    painter.setPen(QPen(colors.accent, 1));
    painter.setBrush(Qt::NoBrush);
    painter.drawRect(rect().adjusted(0, 0, -1, -1));
  }
}

void Chart::leaveEvent(QEvent* event) {
  setReadout({});
  QWidget::leaveEvent(event);
}

void Chart::setReadout(const QString& text) {
  if (text == m_readout) return;
  m_readout = text;
  setAccessibleDescription(text);
  if (text.isEmpty()) {
    QToolTip::hideText();
  } else if (underMouse()) {
    QToolTip::showText(QCursor::pos(), text, this);
  }
  Q_EMIT readoutChanged(text);
}

}  // namespace espalier
