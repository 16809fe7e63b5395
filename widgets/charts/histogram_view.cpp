#include "widgets/charts/histogram_view.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <algorithm>
#include <cmath>

#include "widgets/charts/axis.h"
#include "widgets/charts/label_placer.h"
#include "widgets/theme/numbers.h"
#include "widgets/theme/series.h"

namespace espalier {
namespace {

constexpr size_t kMostLevels = 512;

struct Frame {
  QRectF plot;
  Axis x, y;
  QFont font;
};

Frame frameFor(const QRectF& area, const Histogram& histogram, const Histogram& other, bool logCounts) {
  Frame f;
  f.font = Theme::instance().secondaryFont();
  const double left = leftAxisWidth(f.font) + kGrid;
  const double top = 2 * topNameHeight(f.font);  // the axis's name above the marks of mean and deviations
  f.plot = QRectF(area.left() + left, area.top() + top, std::max(8.0, area.width() - left - 2 * kGrid),
                  std::max(8.0, area.height() - top - bottomAxisHeight(f.font)));
  f.x.low = histogram.low;
  f.x.high = histogram.high;
  f.x.begin = f.plot.left();
  f.x.end = f.plot.right();
  f.x.makeTicks(QFontMetricsF(f.font).horizontalAdvance(QStringLiteral("−0.000")) * 1.6);
  auto most = static_cast<double>(*std::max_element(histogram.counts.begin(), histogram.counts.end()));
  // A quantized or pruned matrix heaps its values on a few bins: they may leave the picture.
  if (!other.counts.empty()) {
    most = std::max(
        most, std::min(4 * most, static_cast<double>(*std::max_element(other.counts.begin(), other.counts.end()))));
  }
  f.y.log = logCounts;
  f.y.low = logCounts ? 0.5 : 0;  // a bin of one value still has a height
  f.y.high = std::max(1.0, most) * (logCounts ? 1.3 : 1.05);
  f.y.begin = f.plot.bottom();
  f.y.end = f.plot.top();
  f.y.makeTicks(QFontMetricsF(f.font).height() * 2);
  return f;
}

}  // namespace

HistogramView::HistogramView(QWidget* parent) : Chart(parent), m_quantity(tr("weight")) {
  setAccessibleName(tr("Histogram of a weight matrix"));
  setTitle(tr("Histogram"));
  setEmptyText(tr("The histogram appears when a matrix is selected."));
}

void HistogramView::setHistogram(const Histogram& histogram, const Statistics& statistics) {
  m_histogram = histogram;
  m_statistics = statistics;
  m_hovered = -1;
  setReadout({});
  update();
}

void HistogramView::clear() {
  m_other = {};
  m_levels.clear();
  setHistogram({}, {});
}

void HistogramView::setOther(const Histogram& histogram, const QString& name) {
  m_other = histogram;
  m_otherName = name;
  update();
}

void HistogramView::setLogCounts(bool on) {
  if (on == m_logCounts) return;
  m_logCounts = on;
  update();
  Q_EMIT logCountsChanged(on);
}

void HistogramView::setQuantizationLevels(std::vector<double> levels, const QString& about) {
  m_levels = std::move(levels);
  m_aboutLevels = about;
  std::sort(m_levels.begin(), m_levels.end());
  update();
}

void HistogramView::setQuantity(const QString& quantity) {
  m_quantity = quantity;
  update();
}

QSize HistogramView::minimumSizeHint() const {
  const QFont font = Theme::instance().secondaryFont();
  return {static_cast<int>(leftAxisWidth(font)) * 4,
          static_cast<int>(bottomAxisHeight(font) + topNameHeight(font)) + 40};
}

void HistogramView::paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const {
  if (isEmpty()) return;
  const Frame f = frameFor(area, m_histogram, m_other, m_logCounts);
  painter.setRenderHint(QPainter::Antialiasing, false);

  if (!m_levels.empty()) {
    QColor ink = seriesStyle(1, colors.dark).color;
    ink.setAlphaF(m_levels.size() > 64 ? 0.25f : 0.55f);
    painter.setPen(QPen(ink, 1));
    const bool each = m_levels.size() <= kMostLevels;
    for (size_t i = 0; i < m_levels.size(); i += each ? 1 : m_levels.size() - 1) {
      const double x = f.x.at(m_levels[i]);
      if (x >= f.plot.left() && x <= f.plot.right())
        painter.drawLine(QPointF(x, f.plot.top()), QPointF(x, f.plot.bottom()));
    }
  }
  const size_t bins = m_histogram.counts.size();
  QColor fill = seriesStyle(0, colors.dark).color;
  for (size_t i = 0; i < bins; ++i) {
    const auto count = static_cast<double>(m_histogram.counts[i]);
    if (count <= 0) continue;
    const double left = f.x.at(m_histogram.low + static_cast<double>(i) * m_histogram.bin_width());
    const double right = f.x.at(m_histogram.low + static_cast<double>(i + 1) * m_histogram.bin_width());
    const double gap = right - left > 4 ? 1 : 0;
    const double top = std::min(f.y.at(count), f.plot.bottom() - 1);  // one value is still a pixel
    painter.fillRect(QRectF(left, top, std::max(1.0, right - left - gap), f.plot.bottom() - top), fill);
  }

  if (m_other.counts.size() == bins) {
    QPolygonF outline;
    for (size_t i = 0; i < bins; ++i) {
      const double top =
          std::clamp(f.y.at(std::max(static_cast<double>(m_other.counts[i]), f.y.low)), f.plot.top(), f.plot.bottom());
      outline << QPointF(f.x.at(m_other.low + static_cast<double>(i) * m_other.bin_width()), top)
              << QPointF(f.x.at(m_other.low + static_cast<double>(i + 1) * m_other.bin_width()), top);
    }
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(colors.text, 1));
    painter.drawPolyline(outline);
  }

  // Mean, and one to three standard deviations, as ticks along the top.
  painter.setFont(f.font);
  const QFontMetricsF metrics(f.font);
  LabelPlacer placer(f.plot.adjusted(-f.plot.left(), -2 * metrics.height(), kGrid, 0), metrics);
  for (const int k : {0, -3, 3, -1, 1, -2, 2}) {  // the mean's name is the last to go when room is short
    const double x = f.x.at(m_statistics.mean + k * m_statistics.std);
    if (m_statistics.std <= 0 || x < f.plot.left() || x > f.plot.right()) continue;
    painter.setPen(QPen(colors.secondaryText, 1, k == 0 ? Qt::SolidLine : Qt::DotLine));
    painter.drawLine(QPointF(x, f.plot.top()), QPointF(x, k == 0 ? f.plot.bottom() : f.plot.top() + 2 * kGrid));
    const QString sign = k < 0 ? QStringLiteral("−") : QStringLiteral("+");
    const QString text = k == 0 ? tr("mean") : QStringLiteral("%1%2σ").arg(sign).arg(std::abs(k));
    const double width = metrics.horizontalAdvance(text);
    const QRectF place(x - width / 2, f.plot.top() - metrics.height() - 1, width, metrics.height());
    if (!placer.isFree(place.adjusted(-3, 0, 3, 0))) continue;
    placer.occupy(place);
    painter.setPen(colors.secondaryText);
    painter.drawText(place, Qt::AlignCenter | Qt::TextDontClip, text);
  }
  paintBottomAxis(painter, f.x, f.plot, m_quantity, colors, f.font);
  paintLeftAxis(painter, f.y, f.plot, QString(), colors, f.font);
  painter.setPen(colors.secondaryText);
  const QString countName = axisName(tr("values a bin"), {}, m_logCounts);
  if (!m_levels.empty()) {
    const QString levels =
        m_aboutLevels.isEmpty() ? tr("%1 levels of the quantizer").arg(m_levels.size()) : m_aboutLevels;
    const QColor ink = seriesStyle(1, colors.dark).color;
    painter.setPen(colors.dark ? ink : ink.darker(115));
    const double room = area.width() - 4 * kGrid - metrics.horizontalAdvance(countName);
    painter.drawText(QRectF(area.left(), area.top() + 2, area.width() - 2 * kGrid, metrics.height()),
                     Qt::AlignRight | Qt::AlignVCenter, metrics.elidedText(levels, Qt::ElideRight, room));
    painter.setPen(colors.secondaryText);
  }
  QStringList outside;
  if (m_other.counts.size() == bins) outside << tr("outline: %1").arg(m_otherName);
  if (m_histogram.below + m_histogram.above > 0) {
    outside << tr("%1 outside this range").arg(formatCount(m_histogram.below + m_histogram.above));
  }
  if (m_histogram.non_finite > 0) outside << tr("%1 not finite").arg(formatCount(m_histogram.non_finite));
  const double y = f.plot.bottom() + 5 + metrics.height();
  painter.drawText(QRectF(area.left() + kGrid, area.top() + 2, f.plot.left(), metrics.height()),
                   Qt::AlignLeft | Qt::AlignVCenter | Qt::TextDontClip, countName);
  painter.drawText(QRectF(f.plot.left(), y, f.plot.width(), metrics.height()), Qt::AlignLeft | Qt::AlignVCenter,
                   outside.join(QStringLiteral(", ")));
}

void HistogramView::paintOverlay(QPainter& painter, const ThemeColors& colors) {
  if (m_hovered < 0) return;
  const Frame f = frameFor(rect(), m_histogram, m_other, m_logCounts);
  const double left = f.x.at(m_histogram.low + m_hovered * m_histogram.bin_width());
  const double right = f.x.at(m_histogram.low + (m_hovered + 1) * m_histogram.bin_width());
  QColor veil = colors.text;
  veil.setAlphaF(0.12f);
  painter.fillRect(QRectF(left, f.plot.top(), std::max(1.0, right - left), f.plot.height()), veil);
}

void HistogramView::hoverBin(int bin) {
  if (bin == m_hovered) return;
  m_hovered = bin;
  if (bin < 0) {
    setReadout({});
  } else {
    const double from = m_histogram.low + bin * m_histogram.bin_width();
    setReadout(tr("%1 to %2: %3 values")
                   .arg(formatNumber(from), formatNumber(from + m_histogram.bin_width()),
                        formatCount(m_histogram.counts[static_cast<size_t>(bin)])));
  }
  update();
}

void HistogramView::mouseMoveEvent(QMouseEvent* event) {
  if (isEmpty()) return;
  const Frame f = frameFor(rect(), m_histogram, m_other, m_logCounts);
  const double x = event->position().x();
  const int bins = static_cast<int>(m_histogram.counts.size());
  const bool inside = x >= f.plot.left() && x <= f.plot.right();
  hoverBin(inside ? std::clamp(static_cast<int>((x - f.plot.left()) / f.plot.width() * bins), 0, bins - 1) : -1);
}

void HistogramView::leaveEvent(QEvent* event) {
  m_hovered = -1;
  update();
  Chart::leaveEvent(event);
}

void HistogramView::keyPressEvent(QKeyEvent* event) {
  const int bins = static_cast<int>(m_histogram.counts.size());
  if (event->key() == Qt::Key_L) {
    setLogCounts(!m_logCounts);
  } else if (bins > 0 && (event->key() == Qt::Key_Left || event->key() == Qt::Key_Right)) {
    const int step = event->key() == Qt::Key_Left ? -1 : 1;
    hoverBin(m_hovered < 0 ? bins / 2 : std::clamp(m_hovered + step, 0, bins - 1));
  } else {
    Chart::keyPressEvent(event);
  }
}

QString HistogramView::figureCsv() const {
  const bool two = m_other.counts.size() == m_histogram.counts.size() && !m_other.counts.empty();
  QStringList header{QStringLiteral("bin_low"), QStringLiteral("bin_high"), QStringLiteral("count")};
  if (two) header << QStringLiteral("other_count");
  QString csv = csvLine(header);
  for (size_t i = 0; i < m_histogram.counts.size(); ++i) {
    const double low = m_histogram.low + static_cast<double>(i) * m_histogram.bin_width();
    QStringList fields{csvNumber(low), csvNumber(low + m_histogram.bin_width()),
                       QString::number(m_histogram.counts[i])};
    if (two) fields << QString::number(m_other.counts[i]);
    csv += csvLine(fields);
  }
  return csv;
}

}  // namespace espalier
