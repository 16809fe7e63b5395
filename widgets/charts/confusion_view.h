#pragma once
#include <QStringList>
#include <optional>
#include <utility>
#include <vector>

#include "widgets/charts/chart.h"

namespace espalier {

// Counts of label pairs as a matrix. A click or Return on a cell chooses it, once more lets it go. What lies off the
// diagonal carries the colour: that is what changed or is wrong.
class ConfusionView : public Chart {
  Q_OBJECT

 public:
  using Cell = std::pair<int, int>;  // row, column

  explicit ConfusionView(QWidget* parent = nullptr);

  // `rowAxis`: what a row is, "answer before".
  void setCounts(const std::vector<std::vector<qint64>>& counts, const QStringList& labels, const QString& rowAxis,
                 const QString& columnAxis);
  void clear();
  // Does not emit.
  void setChosen(std::optional<Cell> cell);
  const std::optional<Cell>& chosen() const { return m_chosen; }
  QRectF cellRect(int row, int column) const;

  bool isEmpty() const override { return m_counts.empty(); }
  void paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const override;
  QString figureCsv() const override;
  QSize sizeHint() const override { return {280, 240}; }
  QSize minimumSizeHint() const override { return {24 * kGrid, 18 * kGrid}; }

 Q_SIGNALS:
  // Nothing: the cell was let go.
  void cellChosen(const std::optional<std::pair<int, int>>& cell);

 protected:
  void paintOverlay(QPainter& painter, const ThemeColors& colors) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  struct Layout;
  Layout layoutFor(const QRectF& area) const;
  std::optional<Cell> cellAt(QPointF position) const;
  QString readoutFor(Cell cell) const;
  void toggle(Cell cell);

  std::vector<std::vector<qint64>> m_counts;
  QStringList m_labels;
  QString m_rowAxis;
  QString m_columnAxis;
  qint64 m_most = 1;  // off the diagonal
  std::optional<Cell> m_chosen;
  Cell m_current{0, 0};
};

}  // namespace espalier
