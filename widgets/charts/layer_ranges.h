#pragma once
#include <QStringList>
#include <vector>

#include "widgets/charts/chart.h"

namespace espalier {

// What the values behind one layer span.
struct LayerRange {
  double min = 0, max = 0, mean = 0, std = 0;
  double p99 = 0, p999 = 0;  // 99 and 99.9 % of the values lie within plus and minus this
};

// One model's layers.
struct LayerRangeSeries {
  QString name;  // "open model"
  std::vector<LayerRange> layers;
};

// Ranges of the activations, place by place along the stack, of one model or of two beside one another. A click or the
// keys choose a place.
class LayerRanges : public Chart {
  Q_OBJECT

 public:
  explicit LayerRanges(QWidget* parent = nullptr);

  // `places` names them, "emb", "0", ...; a series may be shorter.
  void setSeries(const std::vector<LayerRangeSeries>& series, const QStringList& places);
  void clear() { setSeries({}, {}); }
  // The place that is marked, or -1. Does not emit.
  void setCurrent(int place);
  QRectF placeRect(int place) const;

  bool isEmpty() const override { return m_series.empty() || m_places.isEmpty(); }
  void paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const override;
  QString figureCsv() const override;
  QSize sizeHint() const override { return {60 * kGrid, 32 * kGrid}; }
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  void placeChosen(int place);

 protected:
  void paintOverlay(QPainter& painter, const ThemeColors& colors) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  struct Frame;
  Frame frameFor(const QRectF& area) const;
  int placeAt(QPointF position) const;
  QString readoutFor(int place) const;
  void choose(int place);
  static QString axisLabel();
  // `room`: the picture's, from the top.
  void paintKey(QPainter& painter, const QRectF& room, const ThemeColors& colors) const;

  std::vector<LayerRangeSeries> m_series;
  QStringList m_places;
  int m_current = -1;
};

}  // namespace espalier
