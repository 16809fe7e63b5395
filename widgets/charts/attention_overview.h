#pragma once
#include <QImage>
#include <optional>
#include <vector>

#include "widgets/charts/attention_data.h"
#include "widgets/charts/chart.h"

namespace espalier {

// Every head of every layer as a thumbnail of its attention on one sentence. A click or the arrow keys select a head.
class AttentionOverview : public Chart {
  Q_OBJECT

 public:
  explicit AttentionOverview(QWidget* parent = nullptr);

  void setAttention(AttentionPtr attention);
  void setHideSpecial(bool hide);
  // Does not emit.
  void setSelection(LayerIndex layer, HeadIndex head);
  LayerIndex selectedLayer() const { return m_layer; }
  HeadIndex selectedHead() const { return m_head; }
  QRectF thumbnailRect(LayerIndex layer, HeadIndex head) const;

  bool isEmpty() const override { return m_attention == nullptr || m_attention->layers.empty(); }
  void paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const override;
  QString figureCsv() const override;
  QSize figureSize() const override;
  QSize sizeHint() const override { return {480, 320}; }
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  void headSelected(espalier::LayerIndex layer, espalier::HeadIndex head);
  // Double click or Return.
  void headOpened(espalier::LayerIndex layer, espalier::HeadIndex head);

 protected:
  void paintOverlay(QPainter& painter, const ThemeColors& colors) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  struct Grid;
  Grid gridFor(const QRectF& area) const;
  void select(LayerIndex layer, HeadIndex head);
  std::optional<std::pair<LayerIndex, HeadIndex>> headAt(QPointF position) const;
  void rebuild();

  AttentionPtr m_attention;
  bool m_hideSpecial = false;
  LayerIndex m_layer{0};
  HeadIndex m_head{0};
  std::vector<std::vector<QImage>> m_thumbnails;  // layer, head: the strongest weight of each block; null if removed
};

}  // namespace espalier
