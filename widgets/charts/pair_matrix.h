#pragma once
#include <QStringList>
#include <optional>
#include <utility>
#include <vector>

#include "widgets/charts/chart.h"
#include "widgets/theme/color_bar.h"

namespace espalier {

// One number for every pair of named things: how alike two layers are, how far two rankings agree.
struct PairValues {
  QString quantity;  // "linear CKA"
  QString rowAxis;   // what a row is, "behind layer"; may be empty
  QString columnAxis;
  QStringList rows, columns;
  std::vector<std::vector<double>> values;  // [row][column]; NaN: not known
  double low = 0, high = 1;                 // ends of the colours; low < 0: signed, a diverging map
};

// The pairs as a matrix with its numbers. A click or the keys choose a pair.
class PairMatrix : public Chart {
  Q_OBJECT

 public:
  using Cell = std::pair<int, int>;  // row, column

  explicit PairMatrix(QWidget* parent = nullptr);

  void setValues(const PairValues& values);
  void clear() { setValues({}); }
  // The row that is marked, or -1. Does not emit.
  void setCurrentRow(int row);
  QRectF cellRect(int row, int column) const;

  bool isEmpty() const override { return m_values.values.empty(); }
  void paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const override;
  QString figureCsv() const override;
  QSize sizeHint() const override { return {44 * kGrid, 32 * kGrid}; }
  QSize minimumSizeHint() const override { return {26 * kGrid, 18 * kGrid}; }

 Q_SIGNALS:
  void pairChosen(int row, int column);

 protected:
  void paintOverlay(QPainter& painter, const ThemeColors& colors) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  struct Layout;
  Layout layoutFor(const QRectF& area) const;
  std::optional<Cell> cellAt(QPointF position) const;
  QString readoutFor(Cell cell) const;
  void choose(Cell cell);

  PairValues m_values;
  ColorScale m_scale;
  Cell m_current{-1, -1};
};

}  // namespace espalier
