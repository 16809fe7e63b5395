#pragma once
// One axis of a plot: values to pixels, ticks with labels. Linear or logarithmic.

#include <QPainter>
#include <QString>
#include <QStringList>
#include <vector>

#include "widgets/theme/theme.h"

namespace espalier {

struct Axis {
  double low = 0, high = 1;   // values at the ends
  double begin = 0, end = 1;  // their pixels; end < begin for an axis that grows upwards
  bool log = false;           // low > 0 then
  std::vector<double> ticks;
  QStringList labels;

  double at(double value) const;  // pixel of a value
  double valueAt(double pixel) const;
  // Ticks that keep `spacing` pixels apart.
  void makeTicks(double spacing);
};

// The range of some data with a margin on both sides (a share of the range; in decades when log). A single value gets a
// range around it.
void setRange(Axis& axis, double low, double high, double margin);

// Draws the axis line, ticks, labels, and the name (with unit) at its far end. `plot` is the rectangle of the data.
void paintBottomAxis(QPainter& painter, const Axis& axis, const QRectF& plot, const QString& name,
                     const ThemeColors& colors, const QFont& font);
void paintLeftAxis(QPainter& painter, const Axis& axis, const QRectF& plot, const QString& name,
                   const ThemeColors& colors, const QFont& font);

// Room that the two need beside the plot.
double bottomAxisHeight(const QFont& font);
double leftAxisWidth(const QFont& font);
double topNameHeight(const QFont& font);

// "size (MB, log scale)".
QString axisName(const QString& quantity, const QString& unit, bool log);

}  // namespace espalier
