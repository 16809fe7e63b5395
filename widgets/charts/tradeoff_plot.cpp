#include "widgets/charts/tradeoff_plot.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "widgets/charts/axis.h"
#include "widgets/charts/label_placer.h"
#include "widgets/theme/numbers.h"

namespace espalier {
namespace {

constexpr double kRadius = 5;
constexpr double kReach = 12;       // pixels around a mark that answer to the pointer
constexpr size_t kMostMarks = 400;  // more points than this are dots, and only the front has labels
constexpr float kDimmed = 0.4f;

bool usable(const TradeoffPoint& point, bool logX) {
  return std::isfinite(point.x) && std::isfinite(point.y) && (!logX || point.x > 0);
}

}  // namespace

std::vector<int> paretoFront(const std::vector<TradeoffPoint>& points) {
  std::vector<int> order;
  for (size_t i = 0; i < points.size(); ++i) {
    if (usable(points[i], false)) order.push_back(static_cast<int>(i));
  }
  const auto at = [&](int i) -> const TradeoffPoint& { return points[static_cast<size_t>(i)]; };
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return at(a).x != at(b).x ? at(a).x < at(b).x : at(a).y > at(b).y; });
  std::vector<int> front;
  for (const int i : order) {
    const bool better = front.empty() || at(i).y > at(front.back()).y;
    const bool same = !front.empty() && at(i).x == at(front.back()).x && at(i).y == at(front.back()).y;
    if (better || same) front.push_back(i);
  }
  return front;
}

struct TradeoffPlot::Frame {
  struct Entry {
    QString family;
    QPointF at;  // its mark
  };
  QRectF plot;
  std::vector<Entry> legend;
  Axis x, y;
  QFont font;
  QPointF at(const TradeoffPoint& point) const { return {x.at(point.x), y.at(point.y)}; }
};

TradeoffPlot::TradeoffPlot(QWidget* parent) : Chart(parent) {
  setAccessibleName(tr("Trade-off"));
  setTitle(tr("Trade-off"));
  setEmptyText(tr("Run a recipe to see what it pays and what it gets."));
}

void TradeoffPlot::setAxes(const TradeoffAxes& axes) {
  m_axes = axes;
  setTitle(tr("%1 against %2").arg(axes.yName, axes.xName));
  update();
}

void TradeoffPlot::setPoints(std::vector<TradeoffPoint> points) {
  m_points = std::move(points);
  m_front = paretoFront(m_points);
  m_onFront.assign(m_points.size(), false);
  for (const int i : m_front) m_onFront[static_cast<size_t>(i)] = true;
  m_hovered = -1;
  setReadout({});
  update();
}

void TradeoffPlot::setLogX(bool on) {
  if (on == m_axes.xLog) return;
  m_axes.xLog = on;
  update();
  Q_EMIT logXChanged(on);
}

void TradeoffPlot::setNamesBeside(bool on) {
  m_namesBeside = on;
  update();
}

void TradeoffPlot::setSelected(const QString& id) {
  const bool known = std::any_of(m_points.begin(), m_points.end(), [&](const TradeoffPoint& p) { return p.id == id; });
  m_selected = known ? id : QString();
  update();
}

QPointF TradeoffPlot::positionOf(const QString& id) const {
  for (const TradeoffPoint& point : m_points) {
    if (point.id == id) return frameFor(rect()).at(point);
  }
  return {};
}

QSize TradeoffPlot::minimumSizeHint() const {
  const QFont font = Theme::instance().secondaryFont();
  return {static_cast<int>(leftAxisWidth(font)) * 4,
          static_cast<int>(bottomAxisHeight(font) + 2 * topNameHeight(font)) + 80};
}

TradeoffPlot::Frame TradeoffPlot::frameFor(const QRectF& area) const {
  Frame f;
  f.font = Theme::instance().secondaryFont();
  const QFontMetricsF metrics(f.font);
  const double left = leftAxisWidth(f.font) + kGrid, line = metrics.height();
  // Which family a colour and a shape stand for: one line where that is enough.
  const double legendLeft = area.left() + left + 5;
  QPointF at(legendLeft, area.top() + kGrid / 2 + 1.5 * line + 4);
  QStringList families;
  for (const TradeoffPoint& point : m_points) {
    if (point.family.isEmpty() || families.contains(point.family)) continue;
    families << point.family;
    const double width = 10 + metrics.horizontalAdvance(point.family);
    if (at.x() > legendLeft && at.x() + width > area.right() - kGrid) at = QPointF(legendLeft, at.y() + line + 2);
    f.legend.push_back({point.family, at});
    at.rx() += width + 2 * kGrid;
  }
  const double top = at.y() + line / 2 + kGrid + 4 - area.top();
  f.plot = QRectF(area.left() + left, area.top() + top, std::max(8.0, area.width() - left - 2 * kGrid),
                  std::max(8.0, area.height() - top - bottomAxisHeight(f.font)));
  double xLow = INFINITY, xHigh = -INFINITY, yLow = INFINITY, yHigh = -INFINITY;
  for (const TradeoffPoint& point : m_points) {
    if (!usable(point, m_axes.xLog)) continue;
    xLow = std::min({xLow, point.x, point.xLow > 0 ? point.xLow : point.x});
    xHigh = std::max({xHigh, point.x, point.xHigh});
    yLow = std::min({yLow, point.y, point.yLow > 0 ? point.yLow : point.y});
    yHigh = std::max({yHigh, point.y, point.yHigh});
  }
  if (xLow > xHigh) xLow = xHigh = yLow = yHigh = 1;
  f.x.log = m_axes.xLog;
  setRange(f.x, xLow, xHigh, 0.08);
  // A linear axis of something that cannot be negative begins at 0 when the data come near it: lengths then compare.
  if (!f.x.log && xLow >= 0 && f.x.low < 0.35 * xHigh) f.x.low = 0;
  setRange(f.y, yLow, yHigh, 0.06);
  if (m_axes.yUnit.isEmpty() && yHigh <= 1) f.y.high = std::min(f.y.high, 1.0);
  f.x.begin = f.plot.left();
  f.x.end = f.plot.right();
  f.y.begin = f.plot.bottom();
  f.y.end = f.plot.top();
  f.x.makeTicks(metrics.horizontalAdvance(QStringLiteral("000.0")) * 1.8);
  f.y.makeTicks(metrics.height() * 2.5);
  return f;
}

void TradeoffPlot::paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const {
  if (isEmpty()) return;
  const Frame f = frameFor(area);
  const QFontMetricsF metrics(f.font);
  painter.setFont(f.font);
  const bool crowded = m_points.size() > kMostMarks;
  LabelPlacer placer(f.plot, metrics);

  // The baseline: a thin line at what one would keep by doing nothing.
  for (const TradeoffPoint& point : m_points) {
    if (!point.baseline || !usable(point, m_axes.xLog)) continue;
    const double y = f.y.at(point.y);
    placer.occupyLightly(QRectF(f.plot.left(), y - 1, f.plot.width(), 2));
    painter.setPen(QPen(colors.strongLine, 1, Qt::DashLine));
    painter.drawLine(QPointF(f.plot.left(), y), QPointF(f.plot.right(), y));
  }
  // The front is a staircase: between two runs nothing was measured.
  QPolygonF front;
  for (const int i : m_front) {
    const TradeoffPoint& point = m_points[static_cast<size_t>(i)];
    if (!usable(point, m_axes.xLog)) continue;
    const QPointF at = f.at(point);
    if (!front.isEmpty()) front << QPointF(at.x(), front.last().y());
    front << at;
  }
  painter.setPen(QPen(colors.secondaryText, 1.5));
  painter.setBrush(Qt::NoBrush);
  for (qsizetype i = 1; i < front.size(); ++i) {
    placer.occupy(QRectF(front[i - 1], front[i]).normalized().adjusted(-1, -1, 1, 1));
  }
  if (!front.isEmpty()) front << QPointF(f.plot.right(), front.last().y());
  painter.drawPolyline(front);

  // Dominated first, so that the front lies on top.
  std::vector<int> order(m_points.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_partition(order.begin(), order.end(), [&](int i) { return !m_onFront[static_cast<size_t>(i)]; });
  for (const int i : order) {
    const auto index = static_cast<size_t>(i);
    const TradeoffPoint& point = m_points[index];
    if (!usable(point, m_axes.xLog)) continue;
    const QPointF at = f.at(point);
    SeriesStyle style = familyStyle(point.family, colors.dark);
    const bool dim = !m_onFront[index] && !point.baseline && point.id != m_selected;
    if (dim) style.color.setAlphaF(kDimmed);
    if (crowded && dim) {
      painter.fillRect(QRectF(at.x() - 1.5, at.y() - 1.5, 3, 3), style.color);
      continue;
    }
    painter.setPen(QPen(style.color, 1));
    if (point.yHigh > point.yLow) {
      placer.occupyLightly(QRectF(QPointF(at.x() - 1, f.y.at(point.yHigh)), QPointF(at.x() + 1, f.y.at(point.yLow))));
      painter.drawLine(QPointF(at.x(), f.y.at(point.yLow)), QPointF(at.x(), f.y.at(point.yHigh)));
    }
    if (point.xHigh > point.xLow && (!f.x.log || point.xLow > 0)) {
      painter.drawLine(QPointF(f.x.at(point.xLow), at.y()), QPointF(f.x.at(point.xHigh), at.y()));
    }
    drawMarker(painter, style, at, kRadius, dim ? QColor() : colors.surface);
    placer.occupy(QRectF(at.x() - kRadius - 1, at.y() - kRadius - 1, 2 * kRadius + 2, 2 * kRadius + 2));
  }

  // Names beside the marks: the selected run, the baseline and the front first, the others where there is room.
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    const auto rank = [&](int i) {
      const TradeoffPoint& point = m_points[static_cast<size_t>(i)];
      return point.id == m_selected ? 0 : point.baseline ? 1 : m_onFront[static_cast<size_t>(i)] ? 2 : 3;
    };
    return rank(a) < rank(b);
  });
  for (const int i : order) {
    const auto index = static_cast<size_t>(i);
    const TradeoffPoint& point = m_points[index];
    if (!usable(point, m_axes.xLog) || (crowded && !m_onFront[index])) continue;
    const QRectF place = placer.place(f.at(point), kRadius + 4, point.name);
    if (place.isNull()) continue;
    const bool strong = m_onFront[index] || point.baseline || point.id == m_selected;
    QColor halo = colors.surface;
    halo.setAlphaF(0.8f);
    painter.fillRect(place, halo);
    painter.setPen(strong ? colors.text : colors.secondaryText);
    painter.drawText(place, Qt::AlignCenter | Qt::TextDontClip, placer.textOf(point.name));
  }

  paintBottomAxis(painter, f.x, f.plot, axisName(m_axes.xName, m_axes.xUnit, f.x.log) + tr("  ← better"), colors,
                  f.font);
  paintLeftAxis(painter, f.y, f.plot, {}, colors, f.font);
  painter.setFont(f.font);
  painter.setPen(colors.secondaryText);
  const double line = metrics.height();
  painter.drawText(QRectF(area.left() + kGrid, area.top() + kGrid / 2, area.width() - 2 * kGrid, line),
                   Qt::AlignLeft | Qt::AlignVCenter, axisName(m_axes.yName, m_axes.yUnit, false) + tr("  ↑ better"));
  const bool live = painter.device()->devType() == QInternal::Widget;
  if (live && m_namesBeside) return;
  for (const Frame::Entry& entry : f.legend) {
    drawMarker(painter, familyStyle(entry.family, colors.dark), entry.at, 4);
    painter.setPen(colors.secondaryText);
    painter.drawText(QRectF(entry.at.x() + 10, entry.at.y() - line / 2, area.width(), line),
                     Qt::AlignLeft | Qt::AlignVCenter, entry.family);
  }
}

void TradeoffPlot::paintOverlay(QPainter& painter, const ThemeColors& colors) {
  const Frame f = frameFor(rect());
  painter.setBrush(Qt::NoBrush);
  for (size_t i = 0; i < m_points.size(); ++i) {
    const bool selected = m_points[i].id == m_selected && !m_selected.isEmpty();
    if (!selected && static_cast<int>(i) != m_hovered) continue;
    if (!usable(m_points[i], m_axes.xLog)) continue;
    painter.setPen(QPen(selected ? colors.accent : colors.text, selected ? 2 : 1));
    painter.drawEllipse(f.at(m_points[i]), kRadius + 4, kRadius + 4);
  }
}

int TradeoffPlot::pointAt(QPointF position) const {
  const Frame f = frameFor(rect());
  int nearest = -1;
  double least = kReach;
  for (size_t i = 0; i < m_points.size(); ++i) {
    if (!usable(m_points[i], m_axes.xLog)) continue;
    const QPointF away = f.at(m_points[i]) - position;
    // Among marks at one place the front's wins.
    const double distance = std::hypot(away.x(), away.y()) + (m_onFront[i] ? 0 : 0.5);
    if (distance >= least) continue;
    least = distance;
    nearest = static_cast<int>(i);
  }
  return nearest;
}

QString TradeoffPlot::sentenceFor(const TradeoffPoint& point) const {
  const auto withUnit = [](const QString& number, const QString& unit) {
    return unit.isEmpty() ? number : number + QChar(0x00A0) + unit;
  };
  return QStringLiteral("%1: %2 %3, %4 %5")
      .arg(point.name, m_axes.yName,
           withUnit(
               point.yHigh > point.yLow ? formatInterval(point.y, point.yLow, point.yHigh) : formatNumber(point.y, 4),
               m_axes.yUnit),
           m_axes.xName,
           withUnit(
               point.xHigh > point.xLow ? formatInterval(point.x, point.xLow, point.xHigh) : formatNumber(point.x, 4),
               m_axes.xUnit));
}

void TradeoffPlot::select(int index) {
  const TradeoffPoint& point = m_points[static_cast<size_t>(index)];
  m_selected = point.id;
  setReadout(sentenceFor(point));
  update();
  Q_EMIT runSelected(point.id);
}

void TradeoffPlot::mousePressEvent(QMouseEvent* event) {
  const int index = event->button() == Qt::LeftButton ? pointAt(event->position()) : -1;
  if (index < 0) return Chart::mousePressEvent(event);
  select(index);
}

void TradeoffPlot::mouseDoubleClickEvent(QMouseEvent* event) {
  const int index = pointAt(event->position());
  if (index >= 0) Q_EMIT runOpened(m_points[static_cast<size_t>(index)].id);
}

void TradeoffPlot::mouseMoveEvent(QMouseEvent* event) {
  const int index = isEmpty() ? -1 : pointAt(event->position());
  if (index == m_hovered) return;
  m_hovered = index;
  setCursor(index >= 0 ? Qt::PointingHandCursor : Qt::ArrowCursor);
  setReadout(index < 0 ? QString() : sentenceFor(m_points[static_cast<size_t>(index)]));
  Q_EMIT runHovered(index < 0 ? QString() : m_points[static_cast<size_t>(index)].id);
  update();
}

void TradeoffPlot::leaveEvent(QEvent* event) {
  m_hovered = -1;
  Q_EMIT runHovered({});
  update();
  Chart::leaveEvent(event);
}

// Left and right walk the runs by what they cost.
void TradeoffPlot::keyPressEvent(QKeyEvent* event) {
  if (event->key() == Qt::Key_L) return setLogX(!m_axes.xLog);
  if ((event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) && !m_selected.isEmpty()) {
    Q_EMIT runOpened(m_selected);
    return;
  }
  const int step = event->key() == Qt::Key_Left ? -1 : event->key() == Qt::Key_Right ? 1 : 0;
  std::vector<int> order;
  for (size_t i = 0; i < m_points.size(); ++i) {
    if (usable(m_points[i], m_axes.xLog)) order.push_back(static_cast<int>(i));
  }
  if (step == 0 || order.empty()) return Chart::keyPressEvent(event);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return m_points[static_cast<size_t>(a)].x < m_points[static_cast<size_t>(b)].x;
  });
  const auto now = std::find_if(order.begin(), order.end(),
                                [&](int i) { return m_points[static_cast<size_t>(i)].id == m_selected; });
  const auto last = static_cast<std::ptrdiff_t>(order.size()) - 1;
  const std::ptrdiff_t next = now == order.end() ? 0 : std::clamp<std::ptrdiff_t>(now - order.begin() + step, 0, last);
  select(order[static_cast<size_t>(next)]);
}

QString TradeoffPlot::figureCsv() const {
  const auto column = [](const QString& name, const QString& unit) {
    return unit.isEmpty() ? name : name + '_' + unit;
  };
  const QString x = column(m_axes.xName, m_axes.xUnit), y = column(m_axes.yName, m_axes.yUnit);
  QString csv = csvLine({QStringLiteral("run"), QStringLiteral("name"), QStringLiteral("family"), x,
                         x + QStringLiteral("_low"), x + QStringLiteral("_high"), y, y + QStringLiteral("_low"),
                         y + QStringLiteral("_high"), QStringLiteral("on_front"), QStringLiteral("baseline")});
  for (size_t i = 0; i < m_points.size(); ++i) {
    const TradeoffPoint& p = m_points[i];
    csv += csvLine({p.id, p.name, p.family, csvNumber(p.x), csvNumber(p.xLow), csvNumber(p.xHigh), csvNumber(p.y),
                    csvNumber(p.yLow), csvNumber(p.yHigh), QString::number(int(m_onFront[i])),
                    QString::number(int(p.baseline))});
  }
  return csv;
}

}  // namespace espalier
