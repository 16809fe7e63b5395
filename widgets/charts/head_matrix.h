#pragma once
#include <QVariantAnimation>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/index.h"
#include "widgets/charts/chart.h"
#include "widgets/theme/color_bar.h"

namespace espalier {

using HeadPosition = std::pair<LayerIndex, HeadIndex>;

// One criterion for every head.
struct HeadScores {
  QString criterion;  // "Gradient of the gates (Michel et al. 2019)"
  QString unit;       // "|gradient|", may be empty
  int layers = 0;
  int heads = 0;                          // a layer of the model as first opened
  std::map<HeadPosition, double> values;  // heads that exist; a missing entry is a removed head
  bool isSigned = false;                  // diverging map centred at zero
  // What a column is where it is no head. `foot` stands under such a matrix.
  QString column, foot;
};

// Layer x head matrix; a column may also be a group of units, or the whole layer. A click (or Space) asks to prune or
// to keep what the cell stands for: the recipe decides and answers with setPruned; the matrix itself changes nothing.
class HeadMatrix : public Chart {
  Q_OBJECT

 public:
  explicit HeadMatrix(QWidget* parent = nullptr);

  void setScores(const HeadScores& scores);
  void clear();
  // Cells that the recipe removes: struck out. Of `partly` ones it removes a part: struck half.
  void setPruned(const std::set<HeadPosition>& pruned, const std::set<HeadPosition>& partly = {});
  const std::set<HeadPosition>& pruned() const { return m_pruned; }
  // Small pictures (the other criteria): no numbers, no labels, no toggling; a click emits activated.
  void setCompact(bool compact);
  // The small picture that another shows large: framed.
  void setChosen(bool chosen);
  // Does not emit.
  void setCurrent(LayerIndex layer, HeadIndex head);
  QRectF cellRect(LayerIndex layer, HeadIndex head) const;

  bool isEmpty() const override { return m_scores.values.empty(); }
  void paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const override;
  QString figureCsv() const override;
  QSize figureSize() const override;
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  // The person asks to prune (or to keep) what this cell stands for.
  void headToggled(espalier::LayerIndex layer, espalier::HeadIndex head, bool prune);
  // The current head moved, by click or keys.
  void headSelected(espalier::LayerIndex layer, espalier::HeadIndex head);
  void activated();

 protected:
  void paintOverlay(QPainter& painter, const ThemeColors& colors) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  struct Layout;
  Layout layoutFor(const QRectF& area) const;
  std::optional<HeadPosition> headAt(QPointF position) const;
  bool exists(HeadPosition position) const { return m_scores.values.count(position) > 0; }
  void toggle(HeadPosition position);
  bool ofHeads() const { return m_scores.column.isEmpty(); }
  QString readoutFor(HeadPosition position) const;

  HeadScores m_scores;
  ColorScale m_scale;
  std::set<HeadPosition> m_pruned;
  std::set<HeadPosition> m_partly;
  HeadPosition m_current{LayerIndex(0), HeadIndex(0)};
  std::optional<HeadPosition> m_hovered;
  bool m_compact = false;
  bool m_chosen = false;
  // Heads on their way out: 150 ms, unless the person wants no motion.
  std::set<HeadPosition> m_leaving;
  double m_leavingShare = 1;  // of the way
  QVariantAnimation* m_motion;
};

}  // namespace espalier
