#pragma once
#include <vector>

#include "widgets/charts/chart.h"
#include "widgets/models/model_map.h"
#include "widgets/models/model_map_time.h"
#include "widgets/panels/model_map_layout.h"
#include "widgets/theme/color_map.h"

namespace espalier {

// The whole model as one picture, coloured by what each module costs. A click selects a module, a double click or
// Return opens its weight, the arrow keys walk.
class ModelMapView : public Chart {
  Q_OBJECT

 public:
  enum class Measure { Bytes, Parameters, Macs, Time, Sparsity, Bits, Places };
  enum class Arrangement { Layers, Areas };

  explicit ModelMapView(QWidget* parent = nullptr);

  void setMap(ModelMapPtr map);
  void setMeasure(Measure measure);
  Measure measure() const { return m_measure; }
  void setArrangement(Arrangement arrangement);
  // Of mapSparsity(); empty while it is being read.
  void setSparsity(std::vector<double> shares);
  bool hasSparsity() const { return !m_sparsity.empty(); }
  // Of measureMapTimes(); not before they are measured.
  void setTimes(MapTimes times);
  bool hasTimes() const { return !m_times.ms.empty(); }
  // Modules whose name does not hold the text fade; "" for none.
  void setSearch(const QString& text);
  // Does not emit.
  void setCurrent(const QString& slot, int layer);
  // What a cell is coloured by; NaN when it is not known.
  double valueOf(int cell) const;
  // Null for a cell that is drawn with another one.
  QRectF cellRect(int cell) const;
  bool matches(int cell) const;

  bool isEmpty() const override { return m_map == nullptr || m_map->cells.empty(); }
  void paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const override;
  QString figureCsv() const override;
  QSize figureSize() const override;
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  // `slot` is empty for attention itself.
  void moduleSelected(const QString& slot, int layer);
  void moduleOpened(const QString& slot);

 protected:
  void paintOverlay(QPainter& painter, const ThemeColors& colors) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void leaveEvent(QEvent* event) override;

 private:
  struct Scale {
    double low = 0, high = 1;
    bool log = false;
    double at(double value) const;  // 0..1
  };
  MapLayout layoutFor(const QRectF& area) const;
  QRectF mapArea(const QRectF& area) const;
  double rowHeight() const;
  double headerHeight() const;
  double legendHeight() const;
  Scale scale() const;
  QColor colorOf(int cell, const ColorMap& map, const Scale& scale, const ThemeColors& colors) const;
  QString textOf(int cell) const;
  QString readoutFor(int cell) const;
  // "; 0.12 ms, 3.4 % of a pass (conditions)", or nothing.
  QString timeReadout(int cell) const;
  void showConditions();
  int cellAt(QPointF position) const;
  // The cell that a cell without a rectangle of its own is drawn with.
  int drawnCell(int cell, const MapLayout& layout) const;
  void choose(int cell);
  void move(int dx, int dy);
  void paintHeaders(QPainter& painter, const MapLayout& layout, const ThemeColors& colors) const;
  void paintCell(QPainter& painter, int cell, const QRectF& rect, const QColor& fill, const ThemeColors& colors) const;
  void paintLegend(QPainter& painter, const QRectF& area, const ThemeColors& colors) const;

  ModelMapPtr m_map;
  Measure m_measure = Measure::Bytes;
  Arrangement m_arrangement = Arrangement::Layers;
  std::vector<double> m_sparsity;
  MapTimes m_times;
  QString m_search;
  int m_current = -1;  // cell
  int m_currentLayer = -1;
  int m_hovered = -1;
};

QString measureName(ModelMapView::Measure measure);

}  // namespace espalier
