#pragma once
#include "widgets/charts/chart.h"
#include "widgets/models/opened_model.h"

namespace espalier {

// Where a model's bytes or multiply-accumulates go: a bar a layer, stacked by part, with its numbers beside it.
class LedgerView : public Chart {
  Q_OBJECT

 public:
  explicit LedgerView(QWidget* parent = nullptr);

  void setLedger(const std::vector<LedgerRow>& rows);
  // Does not emit; -1 for none.
  void setCurrentLayer(int layer);
  // The rectangle of a row, for tests and tools.
  QRectF rowRect(int row) const;

  bool isEmpty() const override { return m_rows.empty(); }
  void paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const override;
  QString figureCsv() const override;
  QSize figureSize() const override;
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override { return sizeHint(); }

 Q_SIGNALS:
  // -1 for a row outside the stack.
  void layerSelected(int layer);

 protected:
  void paintOverlay(QPainter& painter, const ThemeColors& colors) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  double rowHeight() const;
  double headerHeight() const;
  int rowAt(QPointF position) const;
  void choose(int row);

  std::vector<LedgerRow> m_rows;
  int m_current = -1;  // row
};

}  // namespace espalier
