#include "widgets/charts/pair_matrix.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <algorithm>
#include <cmath>

#include "widgets/theme/numbers.h"

namespace espalier {
namespace {

// "layer ↓"; nothing for an axis without a name.
QString axisText(const QString& axis, const QString& arrow) {
  return axis.isEmpty() ? QString() : QStringLiteral("%1 %2").arg(axis, arrow);
}

}  // namespace

struct PairMatrix::Layout {
  QFont font;
  QPointF origin;
  double width = 0, height = 0;  // of a cell
  double names = 0;              // room of the rows' names
  bool tilted = false;           // the columns' names stand upright: they do not fit over their cells
  QRectF bar;

  QRectF cell(int row, int column) const {
    return {origin.x() + column * width, origin.y() + row * height, width, height};
  }
};

PairMatrix::PairMatrix(QWidget* parent) : Chart(parent) {
  setTitle(tr("Values of pairs"));
  setEmptyText(tr("The pairs appear as soon as they have been measured."));
}

void PairMatrix::setValues(const PairValues& values) {
  m_values = values;
  for (std::vector<double>& row : m_values.values) {
    row.resize(static_cast<size_t>(m_values.columns.size()), std::nan(""));
  }
  m_scale.map = values.low < 0 ? ColorMapKind::Diverging : ColorMapKind::Viridis;
  m_scale.low = m_scale.fullLow = values.low;
  m_scale.high = m_scale.fullHigh = values.high;
  if (m_current.first >= m_values.rows.size() || m_current.second >= m_values.columns.size()) m_current = {-1, -1};
  setReadout({});
  updateGeometry();
  update();
}

void PairMatrix::setCurrentRow(int row) {
  m_current = {row, -1};
  update();
}

PairMatrix::Layout PairMatrix::layoutFor(const QRectF& area) const {
  Layout layout;
  layout.font = Theme::instance().secondaryFont();
  const QFontMetricsF metrics(layout.font);
  const double line = std::ceil(metrics.height());
  const auto widest = [&](const QStringList& names) {
    double width = 0;
    for (const QString& name : names) width = std::max(width, metrics.horizontalAdvance(name));
    return std::ceil(width);
  };
  const int rows = std::max<int>(1, static_cast<int>(m_values.rows.size()));
  const int columns = std::max<int>(1, static_cast<int>(m_values.columns.size()));
  const QStringList rowNames = m_values.rows + QStringList{axisText(m_values.rowAxis, QStringLiteral("↓"))};
  layout.names = std::min(widest(rowNames), area.width() / 3);
  const double left = kGrid + layout.names + kGrid;
  const double bar = ColorBar::barWidth(m_scale, layout.font);
  const double across = area.width() - left - std::ceil(bar) - 3 * kGrid;
  const double columnNames = widest(m_values.columns);
  layout.tilted = columnNames > across / columns - 2;
  const double axisLine = m_values.columnAxis.isEmpty() ? 0 : line;
  const double top = kGrid / 2.0 + std::max(line, axisLine + (layout.tilted ? columnNames : line)) + kGrid / 2.0;
  layout.width = std::floor(std::clamp(across / columns, 3.0, 80.0));
  layout.height = std::floor(
      std::clamp((area.height() - top - kGrid) / rows, 3.0, std::min(48.0, std::max(layout.width, 2.0 * kGrid))));
  layout.width = std::min(layout.width, std::max(2.4 * layout.height, 5.0 * kGrid));
  layout.origin = QPointF(std::floor(area.left() + left), std::floor(area.top() + top));
  layout.bar = QRectF(layout.origin.x() + columns * layout.width + 2 * kGrid, layout.origin.y(), std::ceil(bar),
                      std::clamp(rows * layout.height, 9.0 * kGrid, 24.0 * kGrid));
  return layout;
}

QRectF PairMatrix::cellRect(int row, int column) const { return layoutFor(rect()).cell(row, column); }

void PairMatrix::paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const {
  if (isEmpty()) return;
  const Layout layout = layoutFor(area);
  const QFontMetricsF metrics(layout.font);
  const double line = std::ceil(metrics.height());
  const ColorMap map(m_scale.map, colors.dark);
  const int rows = static_cast<int>(m_values.values.size()), columns = static_cast<int>(m_values.columns.size());
  painter.setFont(layout.font);
  painter.setRenderHint(QPainter::Antialiasing, false);
  const double gap = layout.width > 8 ? 1 : 0;
  const bool numbers =
      layout.height >= line && layout.width >= metrics.horizontalAdvance(m_scale.low < 0 ? "−0.00" : "0.00") + 2;
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < columns; ++c) {
      const double value = m_values.values[static_cast<size_t>(r)][static_cast<size_t>(c)];
      const QRectF cell = layout.cell(r, c).adjusted(0, 0, -gap, -gap);
      if (!std::isfinite(value)) {
        painter.fillRect(cell, colors.raised);
        continue;
      }
      const double t = (value - m_scale.low) / (m_scale.high - m_scale.low);
      painter.fillRect(cell, QColor(map.at(t)));
      if (!numbers) continue;
      painter.setPen(map.textOn(t));
      painter.drawText(cell, Qt::AlignCenter, formatFixed(value, 2));
    }
  }
  painter.setPen(colors.secondaryText);
  const int everyRow = std::max(1, static_cast<int>(std::ceil(line / layout.height)));
  for (int r = 0; r < rows; r += everyRow) {
    const QRectF cell = layout.cell(r, 0);
    painter.drawText(QRectF(cell.left() - kGrid - layout.names, cell.center().y() - line / 2, layout.names, line),
                     Qt::AlignRight | Qt::AlignVCenter,
                     metrics.elidedText(m_values.rows[r], Qt::ElideRight, layout.names));
  }
  const int everyColumn = layout.tilted ? std::max(1, static_cast<int>(std::ceil(line / layout.width))) : 1;
  for (int c = 0; c < columns; c += everyColumn) {
    const QRectF cell = layout.cell(0, c);
    if (layout.tilted) {
      painter.save();
      painter.translate(cell.center().x() + line / 2, cell.top() - kGrid / 2.0);
      painter.rotate(-90);
      painter.drawText(QRectF(0, -line, 40.0 * kGrid, line), Qt::AlignLeft | Qt::AlignVCenter, m_values.columns[c]);
      painter.restore();
    } else {
      painter.drawText(QRectF(cell.left(), cell.top() - line - 2, cell.width(), line), Qt::AlignCenter,
                       m_values.columns[c]);
    }
  }
  const double top = area.top() + kGrid / 2.0;
  painter.drawText(QRectF(layout.origin.x(), top, area.right() - layout.origin.x(), line),
                   Qt::AlignLeft | Qt::AlignVCenter, axisText(m_values.columnAxis, QStringLiteral("→")));
  painter.drawText(QRectF(layout.origin.x() - kGrid - layout.names, layout.origin.y() - line - 2, layout.names, line),
                   Qt::AlignRight | Qt::AlignVCenter, axisText(m_values.rowAxis, QStringLiteral("↓")));
  const double wide = std::ceil(metrics.horizontalAdvance(m_values.quantity));
  painter.drawText(
      QRectF(std::min(layout.bar.left(), area.right() - wide - 2), layout.origin.y() - line - 2, wide, line),
      Qt::AlignLeft | Qt::AlignVCenter | Qt::TextDontClip, m_values.quantity);
  ColorBar::paintBar(painter, layout.bar, m_scale, colors, layout.font);
}

void PairMatrix::paintOverlay(QPainter& painter, const ThemeColors& colors) {
  if (m_current.first < 0) return;
  const Layout layout = layoutFor(rect());
  QRectF frame = layout.cell(m_current.first, std::max(0, m_current.second));
  if (m_current.second < 0) frame.setWidth(static_cast<double>(m_values.columns.size()) * layout.width);
  painter.setBrush(Qt::NoBrush);
  painter.setPen(QPen(colors.surface, 4));
  painter.drawRect(frame);
  painter.setPen(QPen(colors.accent, 2));
  painter.drawRect(frame);
}

std::optional<PairMatrix::Cell> PairMatrix::cellAt(QPointF position) const {
  if (isEmpty()) return std::nullopt;
  const Layout layout = layoutFor(rect());
  const int column = static_cast<int>(std::floor((position.x() - layout.origin.x()) / layout.width));
  const int row = static_cast<int>(std::floor((position.y() - layout.origin.y()) / layout.height));
  if (row < 0 || row >= m_values.rows.size() || column < 0 || column >= m_values.columns.size()) return std::nullopt;
  return Cell{row, column};
}

QString PairMatrix::readoutFor(Cell cell) const {
  const auto named = [](const QString& axis, const QString& name) {
    return axis.isEmpty() ? name : QStringLiteral("%1 %2").arg(axis, name);
  };
  return tr("%1, %2: %3 %4")
      .arg(named(m_values.rowAxis, m_values.rows[cell.first]),
           named(m_values.columnAxis, m_values.columns[cell.second]), m_values.quantity,
           formatFixed(m_values.values[static_cast<size_t>(cell.first)][static_cast<size_t>(cell.second)], 4));
}

void PairMatrix::choose(Cell cell) {
  m_current = cell;
  setReadout(readoutFor(cell));
  update();
  Q_EMIT pairChosen(cell.first, cell.second);
}

void PairMatrix::mousePressEvent(QMouseEvent* event) {
  const std::optional<Cell> cell = cellAt(event->position());
  if (event->button() != Qt::LeftButton || !cell) return Chart::mousePressEvent(event);
  choose(*cell);
}

void PairMatrix::mouseMoveEvent(QMouseEvent* event) {
  const std::optional<Cell> cell = cellAt(event->position());
  setReadout(cell ? readoutFor(*cell) : QString());
}

void PairMatrix::keyPressEvent(QKeyEvent* event) {
  const int dx = event->key() == Qt::Key_Left ? -1 : event->key() == Qt::Key_Right ? 1 : 0;
  const int dy = event->key() == Qt::Key_Up ? -1 : event->key() == Qt::Key_Down ? 1 : 0;
  if (isEmpty() || (dx == 0 && dy == 0)) return Chart::keyPressEvent(event);
  choose({std::clamp(std::max(0, m_current.first) + dy, 0, static_cast<int>(m_values.rows.size()) - 1),
          std::clamp(std::max(0, m_current.second) + dx, 0, static_cast<int>(m_values.columns.size()) - 1)});
}

QString PairMatrix::figureCsv() const {
  QString csv =
      csvLine(QStringList{QStringLiteral("%1 \\ %2").arg(m_values.rowAxis, m_values.columnAxis)} + m_values.columns);
  for (size_t r = 0; r < m_values.values.size(); ++r) {
    QStringList fields{m_values.rows[static_cast<qsizetype>(r)]};
    for (const double value : m_values.values[r]) fields << csvNumber(value);
    csv += csvLine(fields);
  }
  return csv;
}

}  // namespace espalier
