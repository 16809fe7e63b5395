#include "widgets/charts/confusion_view.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <algorithm>
#include <cmath>

#include "widgets/theme/color_map.h"
#include "widgets/theme/numbers.h"

namespace espalier {

struct ConfusionView::Layout {
  QPointF origin;
  double side = 0, height = 0;
  double names = 0;
  QRectF cell(int row, int column) const {
    return {origin.x() + column * side, origin.y() + row * height, side, height};
  }
};

ConfusionView::ConfusionView(QWidget* parent) : Chart(parent) {
  setTitle(tr("Confusion"));
  setEmptyText(tr("The answers appear once both models have been asked."));
}

void ConfusionView::setCounts(const std::vector<std::vector<qint64>>& counts, const QStringList& labels,
                              const QString& rowAxis, const QString& columnAxis) {
  m_counts = counts;
  for (std::vector<qint64>& row : m_counts) row.resize(m_counts.size());
  m_labels = labels;
  while (m_labels.size() < static_cast<qsizetype>(m_counts.size())) m_labels << QString::number(m_labels.size());
  m_rowAxis = rowAxis;
  m_columnAxis = columnAxis;
  m_chosen.reset();
  m_current = {0, 0};
  m_most = 1;
  for (size_t r = 0; r < m_counts.size(); ++r) {
    for (size_t c = 0; c < m_counts.size(); ++c) {
      if (r != c) m_most = std::max(m_most, m_counts[r][c]);
    }
  }
  setReadout({});
  update();
}

void ConfusionView::clear() { setCounts({}, {}, {}, {}); }

void ConfusionView::setChosen(std::optional<Cell> cell) {
  m_chosen = cell;
  update();
}

ConfusionView::Layout ConfusionView::layoutFor(const QRectF& area) const {
  Layout layout;
  const QFontMetricsF metrics(Theme::instance().secondaryFont());
  for (const QString& label : m_labels) layout.names = std::max(layout.names, metrics.horizontalAdvance(label));
  layout.names = std::min(std::ceil(layout.names), area.width() / 3);
  const double line = std::ceil(metrics.height());
  const double left = line + 2 * kGrid + layout.names, top = 2 * line + kGrid;
  layout.origin = area.topLeft() + QPointF(left, top);
  const auto n = static_cast<double>(std::max<size_t>(1, m_counts.size()));
  layout.side = std::max(1.0, (area.width() - left - kGrid) / n);
  layout.height = std::max(1.0, std::min((area.height() - top - kGrid) / n, layout.side));
  layout.side = std::min(layout.side, 2 * layout.height);
  return layout;
}

QRectF ConfusionView::cellRect(int row, int column) const { return layoutFor(rect()).cell(row, column); }

void ConfusionView::paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const {
  if (isEmpty()) return;
  const Layout layout = layoutFor(area);
  const QFont small = Theme::instance().secondaryFont();
  const QFontMetricsF metrics(small);
  const double line = std::ceil(metrics.height());
  const int n = static_cast<int>(m_counts.size());
  const ColorMap map(ColorMapKind::Viridis, colors.dark);
  painter.setFont(small);
  painter.setRenderHint(QPainter::Antialiasing, false);
  const double gap = layout.height > 8 ? 1 : 0;
  for (int r = 0; r < n; ++r) {
    for (int c = 0; c < n; ++c) {
      const qint64 count = m_counts[static_cast<size_t>(r)][static_cast<size_t>(c)];
      const QRectF cell = layout.cell(r, c).adjusted(0, 0, -gap, -gap);
      const double t = static_cast<double>(count) / static_cast<double>(m_most);
      const QColor fill = r == c || count == 0 ? colors.raised : QColor(map.at(t));
      painter.fillRect(cell, fill);
      const QString text = formatCount(count);
      if (layout.height < line || metrics.horizontalAdvance(text) > cell.width() - 2) continue;
      painter.setPen(count == 0 ? colors.disabledText : readableOn(fill));
      painter.drawText(cell, Qt::AlignCenter, text);
    }
  }
  painter.setPen(colors.secondaryText);
  const QRectF all(layout.cell(0, 0).topLeft(), layout.cell(n - 1, n - 1).bottomRight());
  painter.drawText(QRectF(all.left(), area.top(), std::max(all.width(), 20.0 * kGrid), line),
                   Qt::AlignLeft | Qt::AlignVCenter, m_columnAxis + QStringLiteral(" →"));
  for (int i = 0; i < n; ++i) {
    if (layout.height >= line) {
      painter.drawText(QRectF(area.left() + line + kGrid, layout.cell(i, 0).top(), layout.names, layout.height),
                       Qt::AlignRight | Qt::AlignVCenter,
                       metrics.elidedText(m_labels[i], Qt::ElideRight, layout.names));
    }
    const QString name = metrics.elidedText(m_labels[i], Qt::ElideRight, layout.side - 2);
    if (name.size() > 1) {
      painter.drawText(QRectF(layout.cell(0, i).left(), all.top() - line - 2, layout.side, line), Qt::AlignCenter,
                       name);
    }
  }
  painter.save();
  painter.translate(area.left() + kGrid / 2.0, all.top());
  painter.rotate(-90);
  const double room = std::max(all.height(), metrics.horizontalAdvance(m_rowAxis) + 2 * line);
  painter.drawText(QRectF(-room, 0, room, line), Qt::AlignRight | Qt::AlignVCenter, QStringLiteral("← ") + m_rowAxis);
  painter.restore();
}

void ConfusionView::paintOverlay(QPainter& painter, const ThemeColors& colors) {
  const Layout layout = layoutFor(rect());
  painter.setBrush(Qt::NoBrush);
  if (hasFocus()) {
    painter.setPen(QPen(colors.strongLine, 1));
    painter.drawRect(layout.cell(m_current.first, m_current.second));
  }
  if (!m_chosen) return;
  painter.setPen(QPen(colors.accent, 2));
  painter.drawRect(layout.cell(m_chosen->first, m_chosen->second));
}

std::optional<ConfusionView::Cell> ConfusionView::cellAt(QPointF position) const {
  if (isEmpty()) return std::nullopt;
  const Layout layout = layoutFor(rect());
  const int column = static_cast<int>(std::floor((position.x() - layout.origin.x()) / layout.side));
  const int row = static_cast<int>(std::floor((position.y() - layout.origin.y()) / layout.height));
  const int n = static_cast<int>(m_counts.size());
  if (row < 0 || row >= n || column < 0 || column >= n) return std::nullopt;
  return Cell{row, column};
}

QString ConfusionView::readoutFor(Cell cell) const {
  return tr("%1 “%2”, %3 “%4”: %5")
      .arg(m_rowAxis, m_labels[cell.first], m_columnAxis, m_labels[cell.second],
           formatCount(m_counts[static_cast<size_t>(cell.first)][static_cast<size_t>(cell.second)]));
}

void ConfusionView::toggle(Cell cell) {
  m_current = cell;
  m_chosen = m_chosen == cell ? std::nullopt : std::optional<Cell>(cell);
  update();
  Q_EMIT cellChosen(m_chosen);
}

void ConfusionView::mouseMoveEvent(QMouseEvent* event) {
  const std::optional<Cell> cell = cellAt(event->position());
  setReadout(cell ? readoutFor(*cell) : QString());
}

void ConfusionView::mousePressEvent(QMouseEvent* event) {
  const std::optional<Cell> cell = cellAt(event->position());
  if (event->button() != Qt::LeftButton || !cell) return Chart::mousePressEvent(event);
  toggle(*cell);
}

void ConfusionView::keyPressEvent(QKeyEvent* event) {
  const int dx = event->key() == Qt::Key_Left ? -1 : event->key() == Qt::Key_Right ? 1 : 0;
  const int dy = event->key() == Qt::Key_Up ? -1 : event->key() == Qt::Key_Down ? 1 : 0;
  if (isEmpty()) return Chart::keyPressEvent(event);
  if (event->key() == Qt::Key_Return || event->key() == Qt::Key_Space) return toggle(m_current);
  if (dx == 0 && dy == 0) return Chart::keyPressEvent(event);
  const int last = static_cast<int>(m_counts.size()) - 1;
  m_current = {std::clamp(m_current.first + dy, 0, last), std::clamp(m_current.second + dx, 0, last)};
  setReadout(readoutFor(m_current));
  update();
}

QString ConfusionView::figureCsv() const {
  QString csv = csvLine(QStringList{QStringLiteral("%1 \\ %2").arg(m_rowAxis, m_columnAxis)} + m_labels);
  for (size_t r = 0; r < m_counts.size(); ++r) {
    QStringList fields{m_labels[static_cast<qsizetype>(r)]};
    for (const qint64 count : m_counts[r]) fields << QString::number(count);
    csv += csvLine(fields);
  }
  return csv;
}

}  // namespace espalier
