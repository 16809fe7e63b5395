#include "widgets/charts/label_placer.h"

#include <algorithm>

namespace espalier {

QString LabelPlacer::textOf(const QString& name) const {
  return m_metrics.elidedText(name, Qt::ElideRight, m_metrics.averageCharWidth() * 26);
}

bool LabelPlacer::isFree(const QRectF& rect, bool crossing) const {
  const auto touches = [&](const QRectF& taken) { return taken.intersects(rect); };
  return m_room.contains(rect) && std::none_of(m_taken.begin(), m_taken.end(), touches) &&
         (crossing || std::none_of(m_lightlyTaken.begin(), m_lightlyTaken.end(), touches));
}

QRectF LabelPlacer::place(QPointF mark, double distance, const QString& name) {
  if (name.isEmpty()) return {};
  const double width = m_metrics.horizontalAdvance(textOf(name)) + 2, height = m_metrics.height();
  const double diagonal = distance * 0.8;
  for (const bool crossing : {false, true}) {
    for (const QPointF topLeft : {QPointF(distance, -height / 2), QPointF(-distance - width, -height / 2),
                                  QPointF(diagonal, -height - diagonal), QPointF(diagonal, diagonal),
                                  QPointF(-diagonal - width, -height - diagonal), QPointF(-diagonal - width, diagonal),
                                  QPointF(-width / 2, -height - distance), QPointF(-width / 2, distance)}) {
      const QRectF rect(mark + topLeft, QSizeF(width, height));
      if (!isFree(rect, crossing)) continue;
      occupy(rect);
      return rect;
    }
  }
  return {};
}

}  // namespace espalier
