#pragma once
#include <QElapsedTimer>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "inspect/statistics.h"
#include "model/weight.h"
#include "widgets/charts/chart.h"
#include "widgets/theme/color_bar.h"

namespace espalier {

class TileStore;

// What a matrix's rows and columns mean.
struct MatrixLabels {
  QString name;                            // "encoder.3.attention.q_proj.weight"
  QString rowAxis;                         // "output unit", "token"
  QString columnAxis;                      // "input unit"
  std::function<QString(int64_t)> row;     // name of a row, say its token; may be empty
  std::function<QString(int64_t)> column;  // name of a column; may be empty
  std::vector<int64_t> rowBoundaries;      // heads begin at these rows; lines are drawn there
  std::vector<int64_t> columnBoundaries;
};

// A matrix of any size as a heat map. Values are read on worker threads, a tile at a time, at the detail that the zoom
// needs; the window never waits. Drag or arrow keys pan, the wheel and Shift+Up/Down zoom, Shift+Backspace fits.
class HeatMapView : public Chart {
  Q_OBJECT

 public:
  explicit HeatMapView(QWidget* parent = nullptr);
  ~HeatMapView() override;

  void setSource(std::shared_ptr<const Weight> weight, const MatrixLabels& labels = {});
  void clear();

  // Empty until the exact pass over the matrix has ended (see summaryReady).
  const MatrixSummary* summary() const { return m_summary.get(); }

  // Viridis and Cividis show magnitudes, Diverging signed values.
  void setColorMap(ColorMapKind kind);
  ColorMapKind colorMap() const { return m_scale.map; }
  // Share of values inside the colours: 1, 0.9999, 0.999, 0.99 or 0.95.
  void setClip(double share);
  double clip() const { return m_clip; }

  // The colours of another map of the same kind of values, so that the two compare; none: of its own values. The range
  // alone: the colour map stays.
  void setGivenScale(std::optional<ColorScale> scale);
  const ColorScale& scale() const { return m_scale; }

  struct Cell {
    int64_t row = 0, column = 0;
    bool operator==(const Cell&) const = default;
  };
  // Cells with a ring around them: outliers.
  void setMarks(std::vector<Cell> marks);

  void fit();
  // The same part of the matrix as another map; does not emit.
  void showPart(QPointF zoom, QPointF origin, bool fitted);
  void zoomBy(double factor, QPointF anchor);
  // Brings a cell into view and marks it.
  void showCell(int64_t row, int64_t column);
  // The cell at a point of the widget, if any.
  std::optional<Cell> cellAt(QPointF position) const;
  QRectF cellRect(int64_t row, int64_t column) const;
  // Pixels a value, across and down.
  QPointF pixelsPerValue() const { return m_zoom; }
  // True when every visible tile is there at the detail that the zoom asks for.
  bool isSettled() const;

  bool isEmpty() const override;
  void paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const override;
  // What is visible when that is at most a million values, else every row's and column's norm.
  QString figureCsv() const override;
  QSize figureSize() const override;
  QSize sizeHint() const override { return {640, 480}; }
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  // Under the pointer; `label` is the row's name when there is one.
  void valueHovered(qint64 row, qint64 column, double value, const QString& label);
  void hoverEnded();
  void cellClicked(qint64 row, qint64 column);
  void summaryReady();
  // The person moved or zoomed.
  void partShown(QPointF zoom, QPointF origin, bool fitted);
  void scaleChanged();
  void clipChosen(double share);
  void mapChosen(espalier::ColorMapKind map);
  // Values are on screen, milliseconds after setSource.
  void firstShown(double milliseconds);
  // The weight could not be read; one sentence.
  void failed(const QString& sentence);

 protected:
  bool event(QEvent* event) override;
  void paintEvent(QPaintEvent* event) override;
  void paintOverlay(QPainter& painter, const ThemeColors& colors) override;
  void resizeEvent(QResizeEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void rethemed() override;

 private:
  struct Geometry;  // where the parts lie in an area, and what part of the matrix it shows
  struct Visible;   // the tiles of a detail that a geometry needs
  Geometry geometryFor(const QRectF& area) const;
  Visible visibleIn(const Geometry& geometry, double pixelRatio) const;
  QPointF fitZoom(QSizeF size) const;
  void moveView(QPointF zoom, QPointF origin);
  void viewChanged();
  void requestTiles();
  void updateScale();
  void hover(QPointF position);
  QString readoutFor(const Cell& cell, double value) const;
  void select(const Cell& cell);
  bool moveCurrent(int key);
  void paintLive(QPainter& painter, const Geometry& geometry, double pixelRatio) const;
  QImage wholePicture(const Geometry& geometry, double pixelRatio, bool dark) const;
  void paintNorms(QPainter& painter, const Geometry& geometry, const ThemeColors& colors) const;
  void paintAxes(QPainter& painter, const Geometry& geometry, const ThemeColors& colors) const;
  void paintNumbers(QPainter& painter, const Geometry& geometry, const ThemeColors& colors) const;
  void paintMarks(QPainter& painter, const Geometry& geometry, const ThemeColors& colors) const;
  void paintBoundaries(QPainter& painter, const Geometry& geometry, const ThemeColors& colors) const;

  std::shared_ptr<const Weight> m_weight;
  MatrixLabels m_labels;
  std::unique_ptr<TileStore> m_store;
  std::shared_ptr<const MatrixSummary> m_summary;
  ColorScale m_scale;
  std::optional<ColorScale> m_given;
  std::vector<Cell> m_marks;
  double m_clip = 0.999;
  QPointF m_zoom{1, 1};    // pixels a value
  QPointF m_origin{0, 0};  // value coordinates at the top left of the map
  bool m_fitted = true;
  bool m_shown = false;
  QElapsedTimer m_sinceSource;
  std::optional<QPointF> m_dragFrom;  // pointer position when the button went down
  QPointF m_dragOrigin;               // m_origin then
  bool m_dragged = false;
  std::optional<Cell> m_hovered;
  std::optional<Cell> m_current;  // the keyboard's and the click's cell
  ColorBar* m_bar;
};

}  // namespace espalier
