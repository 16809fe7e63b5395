// Painting of the model map; see model_map_view.cpp for its behaviour.
#include <algorithm>
#include <cmath>

#include "widgets/models/display_text.h"
#include "widgets/panels/model_map_view.h"
#include "widgets/theme/numbers.h"
#include "widgets/theme/series.h"

namespace espalier {

namespace {

constexpr double kBarHeight = 10;

QString tickText(ModelMapView::Measure measure, double value) {
  switch (measure) {
    case ModelMapView::Measure::Bytes:
      return formatBytes(value);
    case ModelMapView::Measure::Time:
      return timeText(value);
    case ModelMapView::Measure::Sparsity:
      return QStringLiteral("%1 %").arg(std::lround(100 * value));
    case ModelMapView::Measure::Bits:
      return QString::number(value);
    default:
      return countText(value);
  }
}

}  // namespace

QColor ModelMapView::colorOf(int cell, const ColorMap& map, const Scale& scale, const ThemeColors& colors) const {
  const double value = valueOf(cell);
  if (m_measure == Measure::Places) {
    const int group = m_map->cells[static_cast<size_t>(cell)].group;
    if (group < 0) return colors.line;
    // Yellow and black, the last two, say too little beside the greys.
    return seriesStyle(group % 6, colors.dark).color;
  }
  if (std::isnan(value) || (scale.log && value <= 0)) return colors.raised;
  return QColor(map.at(scale.at(value)));
}

void ModelMapView::paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const {
  if (isEmpty()) return;
  const MapLayout layout = layoutFor(area);
  const ColorMap map(ColorMapKind::Viridis, colors.dark);
  const Scale range = scale();
  painter.setFont(Theme::instance().secondaryFont());
  paintHeaders(painter, layout, colors);
  for (size_t i = 0; i < m_map->cells.size(); ++i) {
    const QRectF& rect = layout.cells[i];
    if (rect.isNull()) continue;
    paintCell(painter, static_cast<int>(i), rect, colorOf(static_cast<int>(i), map, range, colors), colors);
  }
  paintLegend(painter, QRectF(area.left(), area.bottom() - legendHeight(), area.width(), legendHeight()), colors);
}

void ModelMapView::paintHeaders(QPainter& painter, const MapLayout& layout, const ThemeColors& colors) const {
  const QFontMetricsF metrics(painter.font());
  const double line = metrics.height();
  painter.setPen(colors.secondaryText);
  for (size_t row = 0; row < layout.rows.size(); ++row) {
    const QRectF& rect = layout.rows[row];
    if (rect.isNull()) continue;
    const bool areas = m_arrangement == Arrangement::Areas;
    if (areas && rect.height() <= 2 * line + 4) continue;
    const QRectF place = areas ? QRectF(rect.left() + 1, rect.top(), rect.width() - 2, line + 1)
                               : QRectF(rect.left(), rect.top(), layout.labelWidth, rect.height());
    const QString name = metrics.elidedText(m_map->rows[row].name, Qt::ElideRight, place.width());
    if (name.size() > 1) painter.drawText(place, Qt::AlignLeft | Qt::AlignVCenter, name);
  }
  for (size_t i = 0; i < layout.columns.size(); ++i) {
    const QRectF& column = layout.columns[i];
    const MapColumn& shown = m_map->columns[i];
    const QString name = metrics.elidedText(shown.name, Qt::ElideRight, column.width() - 1);
    painter.drawText(QRectF(column.left(), column.top() - line - 3, column.width(), line),
                     Qt::AlignHCenter | Qt::AlignVCenter, name);
    if (i > 0 && m_map->columns[i - 1].part == shown.part) continue;
    size_t end = i + 1;
    while (end < layout.columns.size() && m_map->columns[end].part == shown.part) ++end;
    const double right = layout.columns[end - 1].right();
    painter.drawText(QRectF(column.left(), column.top() - 2 * line - 6, right - column.left(), line),
                     Qt::AlignHCenter | Qt::AlignVCenter,
                     metrics.elidedText(shown.part, Qt::ElideRight, right - column.left()));
  }
}

void ModelMapView::paintCell(QPainter& painter, int cell, const QRectF& rect, const QColor& fill,
                             const ThemeColors& colors) const {
  const MapCell& shown = m_map->cells[static_cast<size_t>(cell)];
  const QFontMetricsF metrics(painter.font());
  painter.setRenderHint(QPainter::Antialiasing, false);
  painter.fillRect(rect, fill);
  painter.setRenderHint(QPainter::Antialiasing);
  QStringList lines;
  // In a row of layers the header names the module.
  const bool named = m_arrangement == Arrangement::Areas || !m_map->rows[static_cast<size_t>(shown.row)].inStack;
  const QString value = textOf(cell);
  if (named) lines << shown.name;
  if (!value.isEmpty()) lines << value;
  const bool shared = shown.group >= 0 && m_measure != Measure::Places;
  if (shared) lines << tr("× %1").arg(m_map->groups[static_cast<size_t>(shown.group)].size());
  const double line = metrics.height();
  if (rect.height() < line * static_cast<double>(lines.size())) {
    const QString joined = lines.join(QStringLiteral("  "));
    const bool fits = metrics.horizontalAdvance(joined) <= rect.width() - 4;
    lines = QStringList{fits || lines.isEmpty() ? joined : lines.first()};
  }
  painter.setPen(readableOn(fill));
  double y = rect.center().y() - line * static_cast<double>(lines.size()) / 2;
  if (rect.height() >= line - 2) {
    for (qsizetype i = 0; i < lines.size(); ++i) {
      const QString text = metrics.elidedText(lines.at(i), Qt::ElideRight, rect.width() - 2);
      // A name may be cut; a number that is cut says something else.
      if (text == lines.at(i) || (i == 0 && named && text.size() > 2)) {
        painter.drawText(QRectF(rect.left(), y, rect.width(), line), Qt::AlignCenter, text);
      }
      y += line;
    }
  }
  if (matches(cell)) return;
  QColor veil = colors.surface;
  veil.setAlphaF(0.85f);
  painter.fillRect(rect, veil);
}

void ModelMapView::paintLegend(QPainter& painter, const QRectF& area, const ThemeColors& colors) const {
  const QFontMetricsF metrics(painter.font());
  const double line = metrics.height();
  const double top = area.top() + kGrid;
  painter.setPen(colors.secondaryText);
  const QString note =
      m_arrangement == Arrangement::Areas ? tr("Area: stored bytes; a shared weight counts once.") : QString();
  if (m_measure == Measure::Places) {
    const QString text = m_map->groups.empty() ? tr("Every weight is alone in its place.")
                                               : tr("Modules of one colour are one weight; grey ones are alone.");
    painter.drawText(QRectF(area.left(), top, area.width(), line), Qt::AlignLeft | Qt::AlignVCenter,
                     QStringLiteral("%1 %2").arg(text, note));
    return;
  }
  const Scale range = scale();
  const ColorMap map(ColorMapKind::Viridis, colors.dark);
  QString name = m_measure == Measure::Macs ? tr("MACs for 128 tokens") : measureName(m_measure);
  if (range.log) name += tr(" (log scale)");
  const double nameWidth = std::ceil(metrics.horizontalAdvance(name)) + kGrid;
  painter.drawText(QRectF(area.left(), top - line / 2 + kBarHeight / 2, nameWidth, line),
                   Qt::AlignLeft | Qt::AlignVCenter, name);
  const QRectF bar(area.left() + nameWidth, top,
                   std::clamp(area.width() - nameWidth - kGrid, 10.0, (note.isEmpty() ? 40.0 : 26.0) * kGrid),
                   kBarHeight);
  QLinearGradient gradient(bar.topLeft(), bar.topRight());
  for (int i = 0; i <= 32; ++i) gradient.setColorAt(i / 32.0, QColor(map.at(i / 32.0)));
  painter.fillRect(bar, gradient);
  const int room = std::max(2, static_cast<int>(bar.width() / (10.0 * kGrid)));
  double freeFrom = -1e9;
  for (const double tick : range.log ? logTicks(range.low, range.high, room) : niceTicks(range.low, range.high, room)) {
    const double x = bar.left() + range.at(tick) * bar.width();
    const QString text = tickText(m_measure, tick);
    const double width = metrics.horizontalAdvance(text);
    if (x - width / 2 < freeFrom) continue;
    painter.drawLine(QPointF(x, bar.bottom()), QPointF(x, bar.bottom() + 3));
    painter.drawText(QRectF(x - width, bar.bottom() + 3, 2 * width, line), Qt::AlignCenter, text);
    freeFrom = x + width / 2 + 4;
  }
  if (!note.isEmpty()) {
    const QRectF place(bar.right() + 2 * kGrid, top - line / 2 + kBarHeight / 2, area.right() - bar.right() - 2 * kGrid,
                       line);
    painter.drawText(place, Qt::AlignLeft | Qt::AlignVCenter, metrics.elidedText(note, Qt::ElideRight, place.width()));
  } else if (m_measure == Measure::Sparsity && m_sparsity.empty()) {
    painter.drawText(QRectF(bar.right() + 2 * kGrid, top - line / 2 + kBarHeight / 2, area.width(), line),
                     Qt::AlignLeft | Qt::AlignVCenter, tr("counting …"));
  }
  if (m_measure == Measure::Time) {
    const QRectF place(area.left(), bar.bottom() + 3 + line, area.width(), line);
    const QString text =
        hasTimes() ? tr("%1 a pass: %2").arg(timeText(m_times.wallMs), m_times.conditions) : tr("measuring …");
    painter.drawText(place, Qt::AlignLeft | Qt::AlignVCenter, metrics.elidedText(text, Qt::ElideRight, place.width()));
  }
}

void ModelMapView::paintOverlay(QPainter& painter, const ThemeColors& colors) {
  const MapLayout layout = layoutFor(rect());
  painter.setBrush(Qt::NoBrush);
  painter.setRenderHint(QPainter::Antialiasing, false);
  const auto frame = [&](int cell, const QColor& color, double width) {
    const int drawn = drawnCell(cell, layout);
    if (drawn < 0) return;
    const QRectF rect = layout.cells[static_cast<size_t>(drawn)];
    painter.setPen(QPen(colors.surface, width + 2));
    painter.drawRect(rect);
    painter.setPen(QPen(color, width));
    painter.drawRect(rect);
  };
  // Every place of the weight under the pointer, and of the selected one.
  const auto frames = [&](int cell, const QColor& color, double width) {
    const int group = m_map->cells[static_cast<size_t>(cell)].group;
    if (group >= 0) {
      for (const int other : m_map->groups[static_cast<size_t>(group)]) frame(other, color, 1);
    }
    frame(cell, color, width);
  };
  if (m_hovered >= 0) frames(m_hovered, colors.text, 1);
  if (m_current >= 0) {
    frames(m_current, colors.accent, 2);
  } else if (m_currentLayer >= 0) {
    for (size_t row = 0; row < m_map->rows.size(); ++row) {
      if (m_map->rows[row].layer != m_currentLayer || layout.rows[row].isNull()) continue;
      painter.setPen(QPen(colors.accent, 2));
      painter.drawRect(layout.rows[row].adjusted(1, 0, -1, -1));
    }
  }
}

}  // namespace espalier
