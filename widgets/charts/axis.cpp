#include "widgets/charts/axis.h"

#include <algorithm>
#include <cmath>

#include "widgets/theme/numbers.h"

namespace espalier {
namespace {

constexpr double kTick = 4;

}  // namespace

double Axis::at(double value) const {
  const double t = log ? (std::log(std::max(value, 1e-300)) - std::log(low)) / (std::log(high) - std::log(low))
                       : (value - low) / (high - low);
  return begin + t * (end - begin);
}

double Axis::valueAt(double pixel) const {
  const double t = (pixel - begin) / (end - begin);
  return log ? std::exp(std::log(low) + t * (std::log(high) - std::log(low))) : low + t * (high - low);
}

void Axis::makeTicks(double spacing) {
  const int room = std::max(2, static_cast<int>(std::abs(end - begin) / spacing) + 1);
  ticks = log ? logTicks(low, high, room) : niceTicks(low, high, room);
  labels = tickLabels(ticks);
}

void setRange(Axis& axis, double low, double high, double margin) {
  if (axis.log) {
    if (high / low < 1.01) {
      low /= 1.5;
      high *= 1.5;
    }
    const double factor = std::pow(high / low, margin);
    axis.low = low / factor;
    axis.high = high * factor;
    return;
  }
  if (high - low < 1e-12 * std::max(1.0, std::abs(high))) {
    const double around = std::max(std::abs(high) * 0.1, 1e-6);
    low -= around;
    high += around;
  }
  axis.low = low - (high - low) * margin;
  axis.high = high + (high - low) * margin;
}

double bottomAxisHeight(const QFont& font) { return std::ceil(2 * QFontMetricsF(font).height() + kTick + kGrid); }
double leftAxisWidth(const QFont& font) {
  return std::ceil(QFontMetricsF(font).horizontalAdvance(QStringLiteral("0.0000")) + kTick + kGrid);
}
double topNameHeight(const QFont& font) { return std::ceil(QFontMetricsF(font).height() + kGrid); }

QString axisName(const QString& quantity, const QString& unit, bool log) {
  QStringList notes;
  if (!unit.isEmpty()) notes << unit;
  if (log) notes << QStringLiteral("log scale");
  return notes.isEmpty() ? quantity : QStringLiteral("%1 (%2)").arg(quantity, notes.join(QStringLiteral(", ")));
}

void paintBottomAxis(QPainter& painter, const Axis& axis, const QRectF& plot, const QString& name,
                     const ThemeColors& colors, const QFont& font) {
  painter.save();
  painter.setFont(font);
  const QFontMetricsF metrics(font);
  painter.setRenderHint(QPainter::Antialiasing, false);
  painter.setPen(QPen(colors.strongLine, 1));
  painter.drawLine(plot.bottomLeft(), plot.bottomRight());
  double freeFrom = -1e9;
  for (size_t i = 0; i < axis.ticks.size(); ++i) {
    const double x = axis.at(axis.ticks[i]);
    painter.setPen(QPen(colors.strongLine, 1));
    painter.drawLine(QPointF(x, plot.bottom()), QPointF(x, plot.bottom() + kTick));
    const QString& label = axis.labels[static_cast<qsizetype>(i)];
    const double width = metrics.horizontalAdvance(label);
    if (x - width / 2 < freeFrom) continue;
    painter.setPen(colors.secondaryText);
    painter.drawText(QRectF(x - width, plot.bottom() + kTick + 1, 2 * width, metrics.height()), Qt::AlignHCenter,
                     label);
    freeFrom = x + width / 2 + 4;
  }
  painter.setPen(colors.secondaryText);
  painter.drawText(QRectF(plot.left(), plot.bottom() + kTick + metrics.height() + 2, plot.width(), metrics.height()),
                   Qt::AlignRight | Qt::AlignVCenter | Qt::TextDontClip, name);
  painter.restore();
}

void paintLeftAxis(QPainter& painter, const Axis& axis, const QRectF& plot, const QString& name,
                   const ThemeColors& colors, const QFont& font) {
  painter.save();
  painter.setFont(font);
  const QFontMetricsF metrics(font);
  painter.setRenderHint(QPainter::Antialiasing, false);
  painter.setPen(QPen(colors.strongLine, 1));
  painter.drawLine(plot.topLeft(), plot.bottomLeft());
  const double room = leftAxisWidth(font);
  for (size_t i = 0; i < axis.ticks.size(); ++i) {
    const double y = axis.at(axis.ticks[i]);
    painter.setPen(QPen(colors.strongLine, 1));
    painter.drawLine(QPointF(plot.left() - kTick, y), QPointF(plot.left(), y));
    painter.setPen(colors.secondaryText);
    painter.drawText(QRectF(plot.left() - room, y - metrics.height() / 2, room - kTick - 3, metrics.height()),
                     Qt::AlignRight | Qt::AlignVCenter | Qt::TextDontClip, axis.labels[static_cast<qsizetype>(i)]);
  }
  // Along the top, level: nobody should tilt the head to read it.
  painter.setPen(colors.secondaryText);
  painter.drawText(QRectF(plot.left() - room, plot.top() - topNameHeight(font), plot.width() + room, metrics.height()),
                   Qt::AlignLeft | Qt::AlignVCenter | Qt::TextDontClip, name);
  painter.restore();
}

}  // namespace espalier
