#include "widgets/theme/series.h"

#include <QHash>
#include <QPainterPath>
#include <QPolygonF>
#include <array>
#include <cmath>

namespace espalier {
namespace {

QPolygonF regular(QPointF center, double radius, int corners, double startDegrees, double innerShare = 1) {
  QPolygonF polygon;
  const int points = innerShare < 1 ? corners * 2 : corners;
  for (int i = 0; i < points; ++i) {
    const double angle = (startDegrees + 360.0 * i / points) * M_PI / 180;
    const double r = innerShare < 1 && i % 2 == 1 ? radius * innerShare : radius;
    polygon << center + QPointF(std::cos(angle), std::sin(angle)) * r;
  }
  return polygon;
}

void addArms(QPainterPath& path, QPointF c, double radius) {
  const double half = radius * 0.34;
  path.addRect(QRectF(c.x() - radius, c.y() - half, 2 * radius, 2 * half));
  QPainterPath upright;
  upright.addRect(QRectF(c.x() - half, c.y() - radius, 2 * half, 2 * radius));
  path = path.united(upright);
}

// Shapes of about the same visual weight.
QPainterPath markerPath(Marker marker, QPointF c, double radius) {
  QPainterPath path;
  switch (marker) {
    case Marker::Circle:
      path.addEllipse(c, radius, radius);
      break;
    case Marker::Square:
      path.addRect(QRectF(c.x() - radius * 0.88, c.y() - radius * 0.88, radius * 1.76, radius * 1.76));
      break;
    case Marker::Triangle:
      path.addPolygon(regular(c + QPointF(0, radius * 0.2), radius * 1.25, 3, -90));
      break;
    case Marker::TriangleDown:
      path.addPolygon(regular(c - QPointF(0, radius * 0.2), radius * 1.25, 3, 90));
      break;
    case Marker::Diamond:
      path.addPolygon(regular(c, radius * 1.25, 4, 0));
      break;
    case Marker::Star:
      path.addPolygon(regular(c, radius * 1.3, 5, -90, 0.45));
      break;
    case Marker::Plus:
    case Marker::Cross:
      addArms(path, c, radius * 1.1);
      break;
  }
  path.closeSubpath();
  if (marker != Marker::Cross) return path;
  QTransform turn;
  turn.translate(c.x(), c.y()).rotate(45).translate(-c.x(), -c.y());
  return turn.map(path);
}

}  // namespace

SeriesStyle seriesStyle(int index, bool dark) {
  // Okabe and Ito's order, yellow last but one: it is the weakest on white.
  static const std::array<QRgb, 8> kColors = {0xFF0072B2, 0xFFD55E00, 0xFF009E73, 0xFFCC79A7,
                                              0xFFE69F00, 0xFF56B4E9, 0xFFF0E442, 0xFF000000};
  const int n = ((index % 8) + 8) % 8;
  QColor color = QColor::fromRgb(kColors[static_cast<size_t>(n)]);
  if (dark && n == 7) color = QColor(0xD8, 0xDA, 0xDD);
  if (dark && n == 0) color = QColor(0x3D, 0x9B, 0xD6);  // the same hue, light enough for a dark ground
  return {color, static_cast<Marker>(n)};
}

SeriesStyle familyStyle(const QString& family, bool dark) {
  static const QHash<QString, int> kIndex = {{"prune", 0},   {"quantize", 1}, {"factorize", 2}, {"share", 3},
                                             {"distill", 4}, {"combined", 5}, {"baseline", 7}};
  return seriesStyle(kIndex.value(family, 6), dark);
}

void drawMarker(QPainter& painter, const SeriesStyle& style, QPointF center, double radius, const QColor& outline) {
  painter.save();
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(outline.isValid() ? QPen(outline, 1.5) : QPen(Qt::NoPen));
  painter.setBrush(style.color);
  painter.drawPath(markerPath(style.marker, center, radius));
  painter.restore();
}

}  // namespace espalier
