#pragma once
#include <QFontMetricsF>
#include <QRectF>
#include <QString>
#include <vector>

namespace espalier {

// Finds room for names beside marks so that none lies on another.
class LabelPlacer {
 public:
  LabelPlacer(const QRectF& room, const QFontMetricsF& metrics) : m_room(room), m_metrics(metrics) {}

  void occupy(const QRectF& rect) { m_taken.push_back(rect); }
  // Something that a name may cross when there is no other room.
  void occupyLightly(const QRectF& rect) { m_lightlyTaken.push_back(rect); }
  // Right of, left of, above or below `mark`, whichever is free first; null when none is.
  QRectF place(QPointF mark, double distance, const QString& name);
  bool isFree(const QRectF& rect, bool crossing = false) const;
  // The name, cut to what a label may be long.
  QString textOf(const QString& name) const;

 private:
  QRectF m_room;
  QFontMetricsF m_metrics;
  std::vector<QRectF> m_taken;
  std::vector<QRectF> m_lightlyTaken;
};

}  // namespace espalier
