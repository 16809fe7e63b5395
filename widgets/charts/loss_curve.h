#pragma once
#include <QPointF>
#include <QString>
#include <vector>

#include "widgets/charts/chart.h"

namespace espalier {

// Curves that grow while a job runs. Points may arrive often: it repaints at most thirty times a second.
class LossCurve : public Chart {
  Q_OBJECT

 public:
  explicit LossCurve(QWidget* parent = nullptr);

  void setAxisNames(const QString& x, const QString& y);
  // Points of a series must come with ascending x; others are dropped, as are non-finite values.
  void addPoint(const QString& series, double x, double y);
  void clear();
  int pointCount(const QString& series) const;

  bool isEmpty() const override;
  void paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const override;
  QString figureCsv() const override;
  QSize sizeHint() const override { return {320, 120}; }
  QSize minimumSizeHint() const override;

 protected:
  void paintOverlay(QPainter& painter, const ThemeColors& colors) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void timerEvent(QTimerEvent* event) override;

 private:
  struct Series {
    QString name;
    std::vector<QPointF> points;
  };
  struct Frame;
  Frame frameFor(const QRectF& area) const;
  void paintEnds(QPainter& painter, const Frame& f, const QRectF& area, const ThemeColors& colors) const;

  std::vector<Series> m_series;
  QString m_xName;
  QString m_yName;
  double m_hoverX = 0;
  bool m_hovering = false;
  int m_timer = 0;
};

}  // namespace espalier
