#pragma once
// The eight colours of Okabe and Ito (2008), which people with any colour vision can tell apart, each with a marker
// shape, so that colour is never the only sign.

#include <QColor>
#include <QPainter>
#include <QPointF>
#include <QString>

namespace espalier {

enum class Marker { Circle, Square, Triangle, Diamond, TriangleDown, Plus, Cross, Star };

struct SeriesStyle {
  QColor color;
  Marker marker = Marker::Circle;
};

// The n-th style, repeating colours after eight. `dark`: black becomes a light grey.
SeriesStyle seriesStyle(int index, bool dark);

// The style of a family of methods, the same everywhere: "baseline", "prune", "share", "factorize", "quantize",
// "distill", "combined"; any other name gets the last style.
SeriesStyle familyStyle(const QString& family, bool dark);

// Draws a marker of `radius` around `center`; filled, with an outline of `outline` when that is valid.
void drawMarker(QPainter& painter, const SeriesStyle& style, QPointF center, double radius, const QColor& outline = {});

}  // namespace espalier
