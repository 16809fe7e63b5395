#include "widgets/charts/layer_ranges.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <algorithm>
#include <cmath>

#include "widgets/charts/axis.h"
#include "widgets/theme/numbers.h"
#include "widgets/theme/series.h"

namespace espalier {
namespace {

constexpr int kStyles[] = {0, 1};  // of the first and the second model
constexpr double kWidestBar = 28;

QColor styleOf(size_t series, bool dark) { return seriesStyle(kStyles[series % 2], dark).color; }

// The share of a bar's ink for 99.9 % of the values; 99 % take all of it.
QColor paler(QColor color) {
  color.setAlphaF(0.35F);
  return color;
}

}  // namespace

QString LayerRanges::axisLabel() { return tr("activation"); }

struct LayerRanges::Frame {
  QRectF plot;
  Axis value;
  double pitch = 0;
  QFont font;

  QRectF place(int index) const { return {plot.left() + index * pitch, plot.top(), pitch, plot.height()}; }
};

LayerRanges::LayerRanges(QWidget* parent) : Chart(parent) {
  setTitle(tr("Ranges of the activations"));
  setEmptyText(tr("The ranges appear as soon as the examples have been read."));
}

void LayerRanges::setSeries(const std::vector<LayerRangeSeries>& series, const QStringList& places) {
  m_series = series;
  m_places = places;
  for (LayerRangeSeries& one : m_series) {
    one.layers.resize(std::min(one.layers.size(), static_cast<size_t>(places.size())));
  }
  if (m_current >= places.size()) m_current = -1;
  setReadout({});
  update();
}

void LayerRanges::setCurrent(int place) {
  m_current = place < m_places.size() ? place : -1;
  update();
}

QSize LayerRanges::minimumSizeHint() const {
  const QFont font = Theme::instance().secondaryFont();
  return {static_cast<int>(leftAxisWidth(font)) * 4,
          static_cast<int>(bottomAxisHeight(font) + 2 * topNameHeight(font)) + 8 * kGrid};
}

LayerRanges::Frame LayerRanges::frameFor(const QRectF& area) const {
  Frame f;
  f.font = Theme::instance().secondaryFont();
  const double left = leftAxisWidth(f.font) + kGrid, top = 2 * topNameHeight(f.font);
  f.plot = QRectF(area.left() + left, area.top() + top, std::max(8.0, area.width() - left - kGrid),
                  std::max(8.0, area.height() - top - bottomAxisHeight(f.font)));
  double low = 0, high = 0;
  for (const LayerRangeSeries& series : m_series) {
    for (const LayerRange& layer : series.layers) {
      low = std::min(low, layer.min);
      high = std::max(high, layer.max);
    }
  }
  setRange(f.value, low, high, 0.04);
  f.value.begin = f.plot.bottom();
  f.value.end = f.plot.top();
  f.value.makeTicks(QFontMetricsF(f.font).height() * 2);
  f.pitch = f.plot.width() / std::max<double>(1, static_cast<double>(m_places.size()));
  return f;
}

QRectF LayerRanges::placeRect(int place) const { return frameFor(rect()).place(place); }

// In two lines: the second stands beside the name of the axis. What fits in neither is left out with all behind it.
void LayerRanges::paintKey(QPainter& painter, const QRectF& room, const ThemeColors& colors) const {
  const QFontMetricsF metrics(painter.font());
  constexpr double kMark = 10, kBeside = 14;
  double x = room.left();
  int row = 0;
  const auto nextRow = [&] {
    ++row;
    x = room.left() + metrics.horizontalAdvance(axisLabel()) + 2 * kGrid;
  };
  const auto entry = [&](const QString& name, const auto& draw) {
    const double width = kBeside + metrics.horizontalAdvance(name);
    if (x + width > room.right()) nextRow();
    if (row > 1 || x + width > room.right()) return;
    const QRectF line(x, room.top() + row * topNameHeight(painter.font()), width + 2, metrics.height());
    draw(QRectF(x, line.center().y() - kMark / 2, kMark, kMark));
    painter.setPen(colors.secondaryText);
    painter.drawText(line.adjusted(kBeside, 0, 0, 0), Qt::AlignLeft | Qt::AlignVCenter, name);
    x += width + 2 * kGrid;
  };
  const bool several = m_series.size() > 1;
  if (several) {
    for (size_t s = 0; s < m_series.size(); ++s) {
      entry(m_series[s].name, [&](const QRectF& box) { painter.fillRect(box, styleOf(s, colors.dark)); });
    }
    if (row == 0) nextRow();
  }
  const QColor color = several ? colors.secondaryText : styleOf(0, colors.dark);
  entry(tr("99 %"), [&](const QRectF& box) { painter.fillRect(box, color); });
  entry(tr("99.9 %"), [&](const QRectF& box) { painter.fillRect(box, paler(color)); });
  entry(tr("mean ± std"), [&](const QRectF& box) { painter.fillRect(box.adjusted(3, 0, -3, 0), colors.text); });
  entry(tr("min–max"), [&](const QRectF& box) {
    painter.setPen(QPen(color, 1.5));
    painter.drawLine(QPointF(box.center().x(), box.top()), QPointF(box.center().x(), box.bottom()));
  });
}

void LayerRanges::paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const {
  if (isEmpty()) return;
  const Frame f = frameFor(area);
  const QFontMetricsF metrics(f.font);
  painter.setFont(f.font);
  painter.setRenderHint(QPainter::Antialiasing, false);
  paintKey(painter, area.adjusted(kGrid, 2, -kGrid, 0), colors);
  painter.setPen(QPen(colors.line, 1));
  painter.drawLine(QPointF(f.plot.left(), f.value.at(0)), QPointF(f.plot.right(), f.value.at(0)));
  const double slot = f.pitch / static_cast<double>(m_series.size());
  const double bar = std::max(1.0, std::floor(std::min(slot * 0.6, kWidestBar)));
  const double spread = std::min(slot, kWidestBar + kGrid);
  for (int place = 0; place < m_places.size(); ++place) {
    const double center = f.place(place).center().x();
    for (size_t s = 0; s < m_series.size(); ++s) {
      if (static_cast<size_t>(place) >= m_series[s].layers.size()) continue;
      const LayerRange& layer = m_series[s].layers[static_cast<size_t>(place)];
      const QColor color = styleOf(s, colors.dark);
      const double x =
          std::floor(center + (static_cast<double>(s) - (static_cast<double>(m_series.size()) - 1) / 2) * spread);
      // Percentiles are of magnitudes: the bar ends where the values do.
      const auto box = [&](double low, double high, double width, const QColor& ink) {
        const double top = f.value.at(high);
        painter.fillRect(QRectF(x - width / 2, top, width, std::max(1.0, f.value.at(low) - top)), ink);
      };
      box(layer.min, layer.max, std::min(2.0, bar), color);
      box(std::max(layer.min, -layer.p999), std::min(layer.max, layer.p999), bar, paler(color));
      box(std::max(layer.min, -layer.p99), std::min(layer.max, layer.p99), bar, color);
      box(layer.mean - layer.std, layer.mean + layer.std, std::max(1.0, std::floor(bar / 3)), colors.text);
    }
  }
  const int every = std::max(
      1, static_cast<int>(std::ceil((metrics.horizontalAdvance(QStringLiteral("000")) + 4) / std::max(1.0, f.pitch))));
  painter.setPen(QPen(colors.strongLine, 1));
  painter.drawLine(f.plot.bottomLeft(), f.plot.bottomRight());
  painter.setPen(colors.secondaryText);
  for (int place = 0; place < m_places.size(); place += every) {
    const QRectF column = f.place(place);
    painter.drawText(
        QRectF(column.left() - 4.0 * kGrid, f.plot.bottom() + 4, column.width() + 8.0 * kGrid, metrics.height()),
        Qt::AlignHCenter | Qt::AlignTop, m_places[place]);
  }
  painter.drawText(QRectF(f.plot.left(), f.plot.bottom() + metrics.height() + 4, f.plot.width(), metrics.height()),
                   Qt::AlignRight | Qt::AlignVCenter, tr("behind layer"));
  paintLeftAxis(painter, f.value, f.plot, axisLabel(), colors, f.font);
}

void LayerRanges::paintOverlay(QPainter& painter, const ThemeColors& colors) {
  if (m_current < 0) return;
  const QRectF column = frameFor(rect()).place(m_current);
  QColor veil = colors.accent;
  veil.setAlphaF(0.12F);
  painter.fillRect(column, veil);
  painter.setPen(QPen(colors.accent, 2));
  painter.drawLine(column.bottomLeft() + QPointF(1, 1), column.bottomRight() + QPointF(-1, 1));
}

int LayerRanges::placeAt(QPointF position) const {
  if (isEmpty()) return -1;
  const Frame f = frameFor(rect());
  if (position.x() < f.plot.left() || position.x() >= f.plot.right() || position.y() < f.plot.top()) return -1;
  return std::min(static_cast<int>((position.x() - f.plot.left()) / f.pitch), static_cast<int>(m_places.size()) - 1);
}

QString LayerRanges::readoutFor(int place) const {
  QStringList parts;
  for (const LayerRangeSeries& series : m_series) {
    if (static_cast<size_t>(place) >= series.layers.size()) continue;
    const LayerRange& layer = series.layers[static_cast<size_t>(place)];
    QString text = tr("%1 to %2, mean %3, std %4, 99 % within ±%5, 99.9 % within ±%6")
                       .arg(formatNumber(layer.min), formatNumber(layer.max), formatNumber(layer.mean),
                            formatNumber(layer.std), formatNumber(layer.p99), formatNumber(layer.p999));
    if (m_series.size() > 1) text = QStringLiteral("%1: %2").arg(series.name, text);
    parts << text;
  }
  const QString where = place == 0 ? tr("behind the embeddings") : tr("behind layer %1").arg(m_places[place]);
  return QStringLiteral("%1: %2").arg(where, parts.join(QStringLiteral("; ")));
}

void LayerRanges::choose(int place) {
  m_current = place;
  setReadout(readoutFor(place));
  update();
  Q_EMIT placeChosen(place);
}

void LayerRanges::mousePressEvent(QMouseEvent* event) {
  const int place = placeAt(event->position());
  if (event->button() != Qt::LeftButton || place < 0) return Chart::mousePressEvent(event);
  choose(place);
}

void LayerRanges::mouseMoveEvent(QMouseEvent* event) {
  const int place = placeAt(event->position());
  setReadout(place < 0 ? QString() : readoutFor(place));
}

void LayerRanges::keyPressEvent(QKeyEvent* event) {
  const int step = event->key() == Qt::Key_Left ? -1 : event->key() == Qt::Key_Right ? 1 : 0;
  if (isEmpty() || step == 0) return Chart::keyPressEvent(event);
  choose(std::clamp(std::max(0, m_current) + step, 0, static_cast<int>(m_places.size()) - 1));
}

QString LayerRanges::figureCsv() const {
  QString csv =
      csvLine({QStringLiteral("model"), QStringLiteral("behind"), QStringLiteral("min"), QStringLiteral("max"),
               QStringLiteral("mean"), QStringLiteral("std"), QStringLiteral("abs_p99"), QStringLiteral("abs_p999")});
  for (const LayerRangeSeries& series : m_series) {
    for (size_t i = 0; i < series.layers.size(); ++i) {
      const LayerRange& layer = series.layers[i];
      csv += csvLine({series.name, m_places[static_cast<qsizetype>(i)], csvNumber(layer.min), csvNumber(layer.max),
                      csvNumber(layer.mean), csvNumber(layer.std), csvNumber(layer.p99), csvNumber(layer.p999)});
    }
  }
  return csv;
}

}  // namespace espalier
