// Painting of the heat map; see heat_map_view.cpp for its behaviour.
#include <QPaintEvent>
#include <algorithm>
#include <cmath>

#include "widgets/charts/heat_map_geometry.h"
#include "widgets/theme/numbers.h"

namespace espalier {
namespace {

constexpr int64_t kCsvValues = 1000000;

// The part of `picture`, whose top left cell is value (row, column) with cells of (rowStep, columnStep) values, that
// lies inside `content`, drawn without smoothing.
void drawCells(QPainter& painter, const QImage& picture, QRectF content, QPointF topLeft, QSizeF cell) {
  const QRectF whole(topLeft, QSizeF(picture.width() * cell.width(), picture.height() * cell.height()));
  const QRectF seen = whole.intersected(content);
  if (seen.isEmpty()) return;
  const int left = std::max(0, static_cast<int>(std::floor((seen.left() - whole.left()) / cell.width())));
  const int top = std::max(0, static_cast<int>(std::floor((seen.top() - whole.top()) / cell.height())));
  const int right =
      std::min(picture.width(), static_cast<int>(std::ceil((seen.right() - whole.left()) / cell.width())));
  const int bottom =
      std::min(picture.height(), static_cast<int>(std::ceil((seen.bottom() - whole.top()) / cell.height())));
  if (right <= left || bottom <= top) return;
  const QRectF target(whole.left() + left * cell.width(), whole.top() + top * cell.height(),
                      (right - left) * cell.width(), (bottom - top) * cell.height());
  painter.drawImage(target, picture, QRectF(left, top, right - left, bottom - top));
}

// Largest of values[from, to).
double largest(const std::vector<double>& values, double from, double to) {
  const auto first = std::clamp<int64_t>(static_cast<int64_t>(from), 0, static_cast<int64_t>(values.size()) - 1);
  const auto last =
      std::clamp<int64_t>(static_cast<int64_t>(std::ceil(to)), first + 1, static_cast<int64_t>(values.size()));
  return *std::max_element(values.begin() + first, values.begin() + last);
}

bool leavesWindow(const QPainter& painter) { return painter.device()->devType() != QInternal::Widget; }

}  // namespace

void HeatMapView::paintEvent(QPaintEvent* event) {
  Chart::paintEvent(event);
  if (m_store != nullptr && !m_shown && (m_store->preview() != nullptr || isSettled())) {
    m_shown = true;
    Q_EMIT firstShown(static_cast<double>(m_sinceSource.nsecsElapsed()) / 1e6);
  }
}

void HeatMapView::paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const {
  const Geometry g = geometryFor(area);
  painter.save();
  painter.setClipRect(g.content.toAlignedRect());
  painter.setRenderHint(QPainter::Antialiasing, false);
  painter.setRenderHint(QPainter::SmoothPixmapTransform, false);
  painter.fillRect(g.content, colors.raised);
  if (leavesWindow(painter)) {
    painter.drawImage(g.content, wholePicture(g, 2, colors.dark));
  } else {
    paintLive(painter, g, painter.device()->devicePixelRatioF());
  }
  paintBoundaries(painter, g, colors);
  paintNumbers(painter, g, colors);
  paintMarks(painter, g, colors);
  painter.restore();
  paintNorms(painter, g, colors);
  paintAxes(painter, g, colors);
  if (leavesWindow(painter)) ColorBar::paintBar(painter, g.bar, m_scale, colors, g.font);
}

void HeatMapView::paintLive(QPainter& painter, const Geometry& g, double pixelRatio) const {
  const Matrix& matrix = m_store->matrix();
  const Visible visible = visibleIn(g, pixelRatio);
  const auto draw = [&](const TileKey& key, const QImage& picture) {
    const TileRequest request = TileStore::requestFor(key);
    drawCells(painter, picture, g.content,
              {g.xOf(static_cast<double>(request.col)), g.yOf(static_cast<double>(request.row))},
              {static_cast<double>(request.col_step) * g.zoom.x(), static_cast<double>(request.row_step) * g.zoom.y()});
  };
  const bool complete = std::all_of(visible.keys.begin(), visible.keys.end(),
                                    [&](const TileKey& key) { return m_store->picture(key) != nullptr; });
  if (const QImage* preview = complete ? nullptr : m_store->preview()) {
    const int64_t rowStep = (matrix.rows() + preview->height() - 1) / preview->height();
    const int64_t columnStep = (matrix.cols() + preview->width() - 1) / preview->width();
    drawCells(painter, *preview, g.content, {g.xOf(0), g.yOf(0)},
              {static_cast<double>(columnStep) * g.zoom.x(), static_cast<double>(rowStep) * g.zoom.y()});
  }
  for (const TileKey& key : visible.keys) {
    if (const QImage* picture = m_store->picture(key)) draw(key, *picture);
  }
}

// Everything visible read now and laid on a picture of device pixels: what leaves the window must not be half loaded,
// and viewers of SVG smooth pictures that they enlarge.
QImage HeatMapView::wholePicture(const Geometry& g, double pixelRatio, bool dark) const {
  QImage image((g.content.size() * pixelRatio).toSize().expandedTo({1, 1}), QImage::Format_RGB32);
  image.fill(QColor(ColorMap(m_scale.map, dark).at(0.5)));
  QPainter painter(&image);
  painter.scale(image.width() / g.content.width(), image.height() / g.content.height());
  painter.translate(-g.content.topLeft());
  for (const TileKey& key : visibleIn(g, pixelRatio).keys) {
    const TileRequest request = TileStore::requestFor(key);
    drawCells(painter, coloredTile(m_store->readNow(key), m_scale, dark), g.content,
              {g.xOf(static_cast<double>(request.col)), g.yOf(static_cast<double>(request.row))},
              {static_cast<double>(request.col_step) * g.zoom.x(), static_cast<double>(request.row_step) * g.zoom.y()});
  }
  return image;
}

void HeatMapView::paintBoundaries(QPainter& painter, const Geometry& g, const ThemeColors& colors) const {
  QColor ink = colors.text;
  ink.setAlphaF(0.5f);
  painter.setPen(QPen(ink, 1));
  const auto apart = [](const std::vector<int64_t>& at) {
    return at.size() < 2 ? 1e9 : static_cast<double>(at[1] - at[0]);
  };
  if (apart(m_labels.rowBoundaries) * g.zoom.y() >= 6) {
    for (const int64_t row : m_labels.rowBoundaries) {
      const double y = std::round(g.yOf(static_cast<double>(row)));
      if (row > 0) painter.drawLine(QPointF(g.content.left(), y), QPointF(g.content.right(), y));
    }
  }
  if (apart(m_labels.columnBoundaries) * g.zoom.x() >= 6) {
    for (const int64_t column : m_labels.columnBoundaries) {
      const double x = std::round(g.xOf(static_cast<double>(column)));
      if (column > 0) painter.drawLine(QPointF(x, g.content.top()), QPointF(x, g.content.bottom()));
    }
  }
}

void HeatMapView::paintMarks(QPainter& painter, const Geometry& g, const ThemeColors& colors) const {
  if (m_marks.empty()) return;
  painter.save();
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setBrush(Qt::NoBrush);
  for (const Cell& cell : m_marks) {
    const QPointF center(g.xOf(static_cast<double>(cell.column) + 0.5), g.yOf(static_cast<double>(cell.row) + 0.5));
    const double radius = std::max(5.0, std::min(g.zoom.x(), g.zoom.y()) * 0.5 + 2);
    painter.setPen(QPen(colors.surface, 3));
    painter.drawEllipse(center, radius, radius);
    painter.setPen(QPen(colors.text, 1.25));
    painter.drawEllipse(center, radius, radius);
  }
  painter.restore();
}

// Near enough, a cell has room for its number.
void HeatMapView::paintNumbers(QPainter& painter, const Geometry& g, const ThemeColors& colors) const {
  const QFontMetricsF metrics(g.font);
  if (g.zoom.y() < metrics.height() + 4 || g.zoom.x() < metrics.horizontalAdvance(QStringLiteral("−0.000")) + 8) return;
  const Matrix& matrix = m_store->matrix();
  const ColorMap map(m_scale.map, colors.dark);
  painter.setFont(g.font);
  const auto lastRow = std::min(matrix.rows(), static_cast<int64_t>(std::ceil(g.rowAt(g.content.bottom()))));
  const auto firstColumn = static_cast<int64_t>(g.origin.x());
  const auto lastColumn = std::min(matrix.cols(), static_cast<int64_t>(std::ceil(g.columnAt(g.content.right()))));
  std::vector<float> values(static_cast<size_t>(lastColumn - firstColumn));
  for (auto row = static_cast<int64_t>(g.origin.y()); row < lastRow; ++row) {
    matrix.read(row, firstColumn, values);
    for (int64_t column = firstColumn; column < lastColumn; ++column) {
      const double value = values[static_cast<size_t>(column - firstColumn)];
      const double shown = m_scale.map == ColorMapKind::Diverging ? value : std::abs(value);
      painter.setPen(map.textOn((shown - m_scale.low) / (m_scale.high - m_scale.low)));
      painter.drawText(
          QRectF(g.xOf(static_cast<double>(column)), g.yOf(static_cast<double>(row)), g.zoom.x(), g.zoom.y()),
          Qt::AlignCenter, formatNumber(value, std::abs(value) < 0.1 ? 2 : 3));
    }
  }
}

void HeatMapView::paintNorms(QPainter& painter, const Geometry& g, const ThemeColors& colors) const {
  if (m_summary == nullptr) return;
  painter.save();
  painter.setRenderHint(QPainter::Antialiasing, false);
  QColor ink = colors.secondaryText;
  ink.setAlphaF(0.55f);
  const auto bars = [&](const std::vector<double>& norms, bool down) {
    const double most = *std::max_element(norms.begin(), norms.end());
    if (most <= 0) return;
    const QRectF& strip = down ? g.rowNorms : g.columnNorms;
    const double zoom = down ? g.zoom.y() : g.zoom.x();
    const double start = down ? g.origin.y() : g.origin.x();
    const double length = down ? strip.height() : strip.width();
    const double step = std::max(1.0, zoom);  // a bar is a value or a pixel, whichever is larger
    double at = zoom > 1 ? (std::floor(start) - start) * zoom : 0;
    for (; at < length; at += step) {
      const double from = start + at / zoom;
      const double extent =
          (down ? strip.width() : strip.height()) * largest(norms, from + 1e-9, from + step / zoom - 1e-9) / most;
      const double begin = std::max(0.0, at), end = std::min(length, at + (zoom > 3 ? step - 1 : step));
      const QRectF bar = down ? QRectF(strip.left(), strip.top() + begin, extent, end - begin)
                              : QRectF(strip.left() + begin, strip.top(), end - begin, extent);
      painter.fillRect(bar, ink);
    }
  };
  bars(m_summary->row_norms, true);
  bars(m_summary->column_norms, false);
  painter.restore();
}

void HeatMapView::paintAxes(QPainter& painter, const Geometry& g, const ThemeColors& colors) const {
  painter.save();
  painter.setFont(g.font);
  const QFontMetricsF metrics(g.font);
  const double line = metrics.height();
  const Matrix& matrix = m_store->matrix();
  painter.setPen(colors.secondaryText);

  // Columns, along the top.
  const double wide = metrics.horizontalAdvance(formatCount(matrix.cols())) + 2 * kGrid;
  const int columnRoom = std::max(1, static_cast<int>(g.content.width() / wide));
  for (const double tick :
       niceTicks(g.origin.x(), std::min<double>(g.columnAt(g.content.right()), static_cast<double>(matrix.cols() - 1)),
                 std::min(columnRoom, 12))) {
    if (tick != std::floor(tick)) continue;
    const double x = g.xOf(tick + 0.5);
    if (x > g.content.right()) continue;
    painter.drawLine(QPointF(x, g.content.top() - 4), QPointF(x, g.content.top() - 1));
    painter.drawText(QRectF(x - wide, g.content.top() - 5 - line, 2 * wide, line), Qt::AlignHCenter | Qt::AlignBottom,
                     formatCount(static_cast<int64_t>(tick)));
  }
  const QString columnName = m_labels.columnAxis.isEmpty() ? tr("column") : m_labels.columnAxis;
  painter.drawText(
      QRectF(g.content.left(), g.content.top() - 6 - 2 * line, std::max(g.content.width(), 30.0 * kGrid), line),
      Qt::AlignLeft | Qt::AlignVCenter, columnName + QStringLiteral(" →"));

  // Rows, down the left: their names when every row has room for one.
  const bool named = m_labels.row && g.zoom.y() >= line;
  const double lastRow = std::min<double>(g.rowAt(g.content.bottom()), static_cast<double>(matrix.rows() - 1));
  std::vector<double> ticks;
  if (named) {
    for (double row = std::floor(g.origin.y()); row <= lastRow; ++row) ticks.push_back(row);
  } else {
    ticks = niceTicks(g.origin.y(), lastRow, std::clamp(static_cast<int>(g.content.height() / (2 * line)), 1, 12));
  }
  double widest = 0;
  for (const double tick : ticks) {
    if (tick != std::floor(tick)) continue;
    const double y = g.yOf(tick + 0.5);
    if (y < g.content.top() || y > g.content.bottom()) continue;
    const auto row = static_cast<int64_t>(tick);
    const QString name = named ? m_labels.row(row) : QString();
    const QString text =
        metrics.elidedText(name.isEmpty() ? formatCount(row) : name, Qt::ElideRight, g.rowLabels.width());
    widest = std::max(widest, metrics.horizontalAdvance(text));
    painter.drawLine(QPointF(g.content.left() - 4, y), QPointF(g.content.left() - 1, y));
    painter.drawText(QRectF(g.rowLabels.left(), y - line / 2, g.rowLabels.width(), line),
                     Qt::AlignRight | Qt::AlignVCenter, text);
  }
  const QString rowName = m_labels.rowAxis.isEmpty() ? tr("row") : m_labels.rowAxis;
  painter.save();
  painter.translate(std::max(g.rowLabels.left(), g.rowLabels.right() - widest) - line - kGrid / 2, g.content.top());
  painter.rotate(-90);
  const double room = std::max(g.content.height(), metrics.horizontalAdvance(rowName) + 2 * line);
  painter.drawText(QRectF(-room, 0, room, line), Qt::AlignRight | Qt::AlignVCenter, QStringLiteral("← ") + rowName);
  painter.restore();

  // What the strips are, and what a pixel stands for.
  if (m_summary != nullptr) {
    // Beside the name of the columns: a tick's number may reach over the strip.
    painter.drawText(QRectF(g.rowNorms.left(), g.rowNorms.top() - 6 - 2 * line, 20.0 * kGrid, line),
                     Qt::AlignLeft | Qt::AlignVCenter, tr("L2 norm"));
  }
  const Visible visible = visibleIn(g, painter.device()->devicePixelRatioF());
  if (visible.rowLevel > 0 || visible.columnLevel > 0) {
    const QString text = tr("A pixel stands for up to %1 × %2 values and shows the one of largest magnitude.")
                             .arg(int64_t{1} << visible.rowLevel)
                             .arg(int64_t{1} << visible.columnLevel);
    painter.drawText(g.caption, Qt::AlignLeft | Qt::AlignVCenter,
                     metrics.elidedText(text, Qt::ElideRight, g.caption.width()));
  }
  painter.restore();
}

void HeatMapView::paintOverlay(QPainter& painter, const ThemeColors& colors) {
  const Geometry g = geometryFor(rect());
  painter.save();
  painter.setClipRect(g.content.adjusted(-2, -2, 2, 2));
  painter.setRenderHint(QPainter::Antialiasing, false);
  painter.setBrush(Qt::NoBrush);
  const auto frame = [&](const Cell& cell, const QColor& color) {
    QRectF rect = cellRect(cell.row, cell.column);
    if (rect.width() < 5 || rect.height() < 5) {
      // Too small for a frame: hairs that meet there.
      painter.setPen(QPen(color, 1));
      const QPointF center = rect.center();
      painter.drawLine(QPointF(g.content.left(), center.y()), QPointF(center.x() - 4, center.y()));
      painter.drawLine(QPointF(center.x() + 4, center.y()), QPointF(g.content.right(), center.y()));
      painter.drawLine(QPointF(center.x(), g.content.top()), QPointF(center.x(), center.y() - 4));
      painter.drawLine(QPointF(center.x(), center.y() + 4), QPointF(center.x(), g.content.bottom()));
      return;
    }
    painter.setPen(QPen(colors.surface, 4));
    painter.drawRect(rect);
    painter.setPen(QPen(color, 2));
    painter.drawRect(rect);
  };
  QColor hair = colors.text;
  hair.setAlphaF(0.35f);
  if (m_hovered) frame(*m_hovered, cellRect(m_hovered->row, m_hovered->column).width() < 5 ? hair : colors.text);
  if (m_current) frame(*m_current, colors.accent);
  painter.restore();
}

QString HeatMapView::figureCsv() const {
  if (m_store == nullptr) return {};
  const Geometry g = geometryFor(rect());
  const Matrix& matrix = m_store->matrix();
  const auto firstRow = static_cast<int64_t>(g.origin.y()), firstColumn = static_cast<int64_t>(g.origin.x());
  const auto endRow = std::min(matrix.rows(), static_cast<int64_t>(std::ceil(g.rowAt(g.content.bottom()) - 1e-6)));
  const auto endColumn = std::min(matrix.cols(), static_cast<int64_t>(std::ceil(g.columnAt(g.content.right()) - 1e-6)));
  QString csv;
  if ((endRow - firstRow) * (endColumn - firstColumn) <= kCsvValues) {
    QStringList header{QStringLiteral("row")};
    for (int64_t column = firstColumn; column < endColumn; ++column) header << QString::number(column);
    csv += csvLine(header);
    std::vector<float> values(static_cast<size_t>(endColumn - firstColumn));
    for (int64_t row = firstRow; row < endRow; ++row) {
      matrix.read(row, firstColumn, values);
      QStringList fields{QString::number(row)};
      for (const float value : values) fields << QString::number(value, 'g', 9);
      csv += csvLine(fields);
    }
    return csv;
  }
  csv = csvLine({QStringLiteral("axis"), QStringLiteral("index"), QStringLiteral("l2_norm")});
  if (m_summary == nullptr) return csv;
  const auto add = [&](const QString& axis, const std::vector<double>& norms) {
    for (size_t i = 0; i < norms.size(); ++i) csv += csvLine({axis, QString::number(i), csvNumber(norms[i])});
  };
  add(QStringLiteral("row"), m_summary->row_norms);
  add(QStringLiteral("column"), m_summary->column_norms);
  return csv;
}

}  // namespace espalier
