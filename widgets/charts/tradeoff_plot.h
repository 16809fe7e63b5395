#pragma once
#include <QString>
#include <vector>

#include "widgets/charts/chart.h"
#include "widgets/theme/series.h"

namespace espalier {

// One run. Values are in the axis's unit (megabytes, milliseconds), accuracy 0..1.
struct TradeoffPoint {
  QString id;      // of the run
  QString name;    // what a person calls it
  QString family;  // see familyStyle
  double x = 0;
  double xLow = 0, xHigh = 0;  // equal to x when there is no spread
  double y = 0;
  double yLow = 0, yHigh = 0;  // 95 % interval; equal to y when unknown
  bool baseline = false;
};

struct TradeoffAxes {
  QString xName = QStringLiteral("size");
  QString xUnit = QStringLiteral("MB");
  QString yName = QStringLiteral("accuracy");
  QString yUnit;
  bool xLog = false;
};

// Positions in `points` of those that no other beats: x smaller and y larger is better. Ascending x.
std::vector<int> paretoFront(const std::vector<TradeoffPoint>& points);

// What is paid against what is got: better is up and left.
class TradeoffPlot : public Chart {
  Q_OBJECT

 public:
  explicit TradeoffPlot(QWidget* parent = nullptr);

  void setAxes(const TradeoffAxes& axes);
  const TradeoffAxes& axes() const { return m_axes; }
  void setPoints(std::vector<TradeoffPoint> points);
  const std::vector<TradeoffPoint>& points() const { return m_points; }
  void setLogX(bool on);
  // The plot beside it names the families on the screen, at the same height; a saved picture still names them itself.
  void setNamesBeside(bool on);
  // Does not emit. An unknown id clears the selection.
  void setSelected(const QString& id);
  QString selected() const { return m_selected; }
  // Where a run's mark lies.
  QPointF positionOf(const QString& id) const;

  bool isEmpty() const override { return m_points.empty(); }
  void paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const override;
  QString figureCsv() const override;
  QSize sizeHint() const override { return {480, 360}; }
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  void runSelected(const QString& id);
  void runOpened(const QString& id);
  void runHovered(const QString& id);
  void logXChanged(bool on);

 protected:
  void paintOverlay(QPainter& painter, const ThemeColors& colors) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  struct Frame;
  Frame frameFor(const QRectF& area) const;
  int pointAt(QPointF position) const;
  void select(int index);
  QString sentenceFor(const TradeoffPoint& point) const;

  TradeoffAxes m_axes;
  std::vector<TradeoffPoint> m_points;
  std::vector<int> m_front;  // ascending x
  std::vector<bool> m_onFront;
  QString m_selected;
  bool m_namesBeside = false;
  int m_hovered = -1;
};

}  // namespace espalier
