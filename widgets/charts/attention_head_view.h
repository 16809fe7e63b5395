#pragma once
#include <vector>

#include "widgets/charts/attention_data.h"
#include "widgets/charts/chart.h"

class QScrollBar;

namespace espalier {

// One head on one sentence: tokens left (from) and right (to) joined by lines whose opacity is the weight, or the
// matrix itself. Hovering a token shows only its lines; a click keeps them.
class AttentionHeadView : public Chart {
  Q_OBJECT

 public:
  enum class Mode { Lines, Matrix };

  explicit AttentionHeadView(QWidget* parent = nullptr);

  void setAttention(AttentionPtr attention);
  void setHead(LayerIndex layer, HeadIndex head);
  void setMode(Mode mode);
  Mode mode() const { return m_mode; }
  void setHideSpecial(bool hide);
  bool hideSpecial() const { return m_hideSpecial; }
  // Tokens that are shown, by their position in the sentence.
  const std::vector<int>& shownTokens() const { return m_shown; }
  // Rectangle of a shown token's label; left column (from) or right column (to). Lines mode.
  QRectF tokenRect(int shownIndex, bool left) const;

  bool isEmpty() const override;
  void paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const override;
  QString figureCsv() const override;
  QSize figureSize() const override;
  QSize sizeHint() const override { return {480, 480}; }
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  // The query token under the pointer, -1 for none.
  void tokenHovered(int token);

 protected:
  void paintOverlay(QPainter& painter, const ThemeColors& colors) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void rethemed() override;

 private:
  void rebuild();
  void layoutScroll();
  double rowHeight() const;
  void measureLabels();
  float weightOf(int fromShown, int toShown) const;
  void paintLines(QPainter& painter, const QRectF& area, const ThemeColors& colors, double scroll, int only,
                  bool onlyLeft) const;
  void paintMatrix(QPainter& painter, const QRectF& area, const ThemeColors& colors) const;
  QRectF matrixRect(const QRectF& area) const;
  void hover(QPointF position);

  AttentionPtr m_attention;
  LayerIndex m_layer{0};
  HeadIndex m_head{0};
  int m_row = -1;  // of the head in its tensor
  Mode m_mode = Mode::Lines;
  bool m_hideSpecial = false;
  std::vector<int> m_shown;
  double m_labelWidth = 0;  // of a column of tokens
  int m_hovered = -1;       // index among the shown
  bool m_hoveredLeft = true;
  int m_kept = -1;
  bool m_keptLeft = true;
  QScrollBar* m_scroll;
};

}  // namespace espalier
