#include "widgets/charts/loss_curve.h"

#include <QMouseEvent>
#include <QPainterPath>
#include <QTimerEvent>
#include <algorithm>
#include <cmath>

#include "widgets/charts/axis.h"
#include "widgets/theme/numbers.h"
#include "widgets/theme/series.h"

namespace espalier {
namespace {

constexpr int kFrameMs = 33;

}  // namespace

struct LossCurve::Frame {
  QRectF plot;
  Axis x, y;
  QFont font;
};

LossCurve::LossCurve(QWidget* parent) : Chart(parent), m_xName(tr("step")), m_yName(tr("loss")) {
  setAccessibleName(tr("Loss curve"));
  setTitle(tr("Loss curve"));
  setEmptyText(tr("The curve appears with the first step."));
}

void LossCurve::setAxisNames(const QString& x, const QString& y) {
  m_xName = x;
  m_yName = y;
  setTitle(tr("%1 by %2").arg(y, x));
}

void LossCurve::addPoint(const QString& series, double x, double y) {
  if (!std::isfinite(x) || !std::isfinite(y)) return;
  auto found = std::find_if(m_series.begin(), m_series.end(), [&](const Series& s) { return s.name == series; });
  if (found == m_series.end()) found = m_series.insert(m_series.end(), Series{series, {}});
  if (!found->points.empty() && x <= found->points.back().x()) return;
  found->points.emplace_back(x, y);
  if (m_timer == 0) m_timer = startTimer(kFrameMs);
}

void LossCurve::timerEvent(QTimerEvent* event) {
  if (event->timerId() != m_timer) return Chart::timerEvent(event);
  killTimer(m_timer);
  m_timer = 0;
  update();
}

void LossCurve::clear() {
  m_series.clear();
  setReadout({});
  update();
}

int LossCurve::pointCount(const QString& series) const {
  for (const Series& s : m_series) {
    if (s.name == series) return static_cast<int>(s.points.size());
  }
  return 0;
}

bool LossCurve::isEmpty() const { return m_series.empty(); }

QSize LossCurve::minimumSizeHint() const {
  const QFont font = Theme::instance().secondaryFont();
  return {static_cast<int>(leftAxisWidth(font)) * 3,
          static_cast<int>(bottomAxisHeight(font) + topNameHeight(font)) + 24};
}

LossCurve::Frame LossCurve::frameFor(const QRectF& area) const {
  Frame f;
  f.font = Theme::instance().secondaryFont();
  const QFontMetricsF metrics(f.font);
  double widest = metrics.horizontalAdvance(QStringLiteral("0.000"));
  double xLow = INFINITY, xHigh = -INFINITY, yLow = INFINITY, yHigh = -INFINITY;
  for (const Series& series : m_series) {
    if (m_series.size() > 1)
      widest = std::max(widest, metrics.horizontalAdvance(series.name + QStringLiteral(" 0.000")));
    for (const QPointF& point : series.points) {
      xLow = std::min(xLow, point.x());
      xHigh = std::max(xHigh, point.x());
      yLow = std::min(yLow, point.y());
      yHigh = std::max(yHigh, point.y());
    }
  }
  const double left = leftAxisWidth(f.font) + kGrid, top = topNameHeight(f.font) + kGrid;
  const double right = std::min(widest + kGrid, area.width() / 3);
  f.plot = QRectF(area.left() + left, area.top() + top, std::max(8.0, area.width() - left - right - kGrid),
                  std::max(8.0, area.height() - top - bottomAxisHeight(f.font)));
  f.x.low = xLow;
  f.x.high = xHigh > xLow ? xHigh : xLow + 1;
  setRange(f.y, yLow, yHigh, 0.06);
  if (yLow >= 0 && f.y.low < 0.3 * yHigh) f.y.low = 0;
  f.x.begin = f.plot.left();
  f.x.end = f.plot.right();
  f.y.begin = f.plot.bottom();
  f.y.end = f.plot.top();
  f.x.makeTicks(metrics.horizontalAdvance(QStringLiteral("0000000")) * 1.5);
  f.y.makeTicks(metrics.height() * 2);
  return f;
}

void LossCurve::paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const {
  if (isEmpty()) return;
  const Frame f = frameFor(area);
  const QFontMetricsF metrics(f.font);
  paintBottomAxis(painter, f.x, f.plot, m_xName, colors, f.font);
  paintLeftAxis(painter, f.y, f.plot, m_yName, colors, f.font);
  painter.setFont(f.font);
  painter.setRenderHint(QPainter::Antialiasing);
  for (size_t s = 0; s < m_series.size(); ++s) {
    const Series& series = m_series[s];
    const SeriesStyle style = seriesStyle(static_cast<int>(s), colors.dark);
    // Of the points that share a pixel the lowest and the highest are enough.
    QPolygonF line;
    for (size_t i = 0; i < series.points.size();) {
      const double pixel = std::floor(f.x.at(series.points[i].x()));
      size_t low = i, high = i, end = i;
      while (end < series.points.size() && std::floor(f.x.at(series.points[end].x())) == pixel) {
        if (series.points[end].y() < series.points[low].y()) low = end;
        if (series.points[end].y() > series.points[high].y()) high = end;
        ++end;
      }
      for (const size_t k : {std::min(low, high), std::max(low, high)}) {
        line << QPointF(f.x.at(series.points[k].x()), f.y.at(series.points[k].y()));
        if (low == high) break;
      }
      i = end;
    }
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(style.color, 1.5));
    painter.drawPolyline(line);
    const QPointF last(f.x.at(series.points.back().x()), f.y.at(series.points.back().y()));
    drawMarker(painter, style, last, 3);
  }
  paintEnds(painter, f, area, colors);
}

// Names and last values beside the ends of the curves, each as near its own as the others let it.
void LossCurve::paintEnds(QPainter& painter, const Frame& f, const QRectF& area, const ThemeColors& colors) const {
  const QFontMetricsF metrics(f.font);
  const double line = metrics.height();
  std::vector<std::pair<double, size_t>> ends;  // top of the label, series
  for (size_t s = 0; s < m_series.size(); ++s) ends.emplace_back(f.y.at(m_series[s].points.back().y()) - line / 2, s);
  std::stable_sort(ends.begin(), ends.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  double free = area.bottom();
  // Down from the top none covers the one above; up from the bottom none leaves the picture.
  for (size_t i = 1; i < ends.size(); ++i) ends[i].first = std::max(ends[i].first, ends[i - 1].first + line);
  for (size_t i = ends.size(); i-- > 0;) {
    ends[i].first = std::min(ends[i].first, free - line);
    free = ends[i].first;
  }
  const bool several = m_series.size() > 1;
  const double left = f.plot.right() + (several ? 2 * kGrid : kGrid), room = area.right() - left;
  for (const auto& [top, s] : ends) {
    const Series& series = m_series[s];
    const QString number = formatNumber(series.points.back().y());
    if (several) {
      drawMarker(painter, seriesStyle(static_cast<int>(s), colors.dark), QPointF(left - kGrid, top + line / 2), 3);
    }
    painter.setPen(colors.text);
    painter.drawText(QRectF(left, top, room, line), Qt::AlignLeft | Qt::AlignVCenter,
                     metrics.elidedText(several ? series.name + ' ' + number : number, Qt::ElideLeft, room));
  }
}

void LossCurve::paintOverlay(QPainter& painter, const ThemeColors& colors) {
  if (!m_hovering) return;
  const Frame f = frameFor(rect());
  const double x = f.x.at(m_hoverX);
  painter.setPen(QPen(colors.secondaryText, 1));
  painter.drawLine(QPointF(x, f.plot.top()), QPointF(x, f.plot.bottom()));
}

void LossCurve::mouseMoveEvent(QMouseEvent* event) {
  if (isEmpty()) return;
  const Frame f = frameFor(rect());
  const double wanted = f.x.valueAt(std::clamp(event->position().x(), f.plot.left(), f.plot.right()));
  QStringList parts;
  for (const Series& series : m_series) {
    auto at = std::lower_bound(series.points.begin(), series.points.end(), wanted,
                               [](const QPointF& point, double x) { return point.x() < x; });
    if (at == series.points.end()) --at;
    if (at != series.points.begin() && wanted - (at - 1)->x() < at->x() - wanted) --at;
    if (parts.isEmpty()) m_hoverX = at->x();
    parts << QStringLiteral("%1 %2").arg(series.name, formatNumber(at->y(), 4));
  }
  m_hovering = true;
  setReadout(QStringLiteral("%1 %2: %3").arg(m_xName, formatNumber(m_hoverX, 6), parts.join(QStringLiteral(", "))));
  update();
}

void LossCurve::leaveEvent(QEvent* event) {
  m_hovering = false;
  update();
  Chart::leaveEvent(event);
}

QString LossCurve::figureCsv() const {
  QString csv = csvLine({QStringLiteral("series"), m_xName, m_yName});
  for (const Series& series : m_series) {
    for (const QPointF& point : series.points)
      csv += csvLine({series.name, csvNumber(point.x()), csvNumber(point.y())});
  }
  return csv;
}

}  // namespace espalier
