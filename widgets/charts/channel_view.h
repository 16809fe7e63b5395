#pragma once
#include "inspect/extremes.h"
#include "widgets/charts/chart.h"

namespace espalier {

// The least and the largest value of every row or column: what one scale for the whole matrix has to span, and what a
// scale a channel would save.
class ChannelView : public Chart {
  Q_OBJECT

 public:
  explicit ChannelView(QWidget* parent = nullptr);

  // `axis` names what a channel is: "output unit".
  void setRanges(const ChannelRanges& ranges, const QString& axis);
  void clear();
  // By width instead of by number.
  void setSorted(bool sorted);

  bool isEmpty() const override { return m_ranges.low.empty(); }
  void paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const override;
  QString figureCsv() const override;
  QSize sizeHint() const override { return {320, 200}; }
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  void channelChosen(qint64 channel);

 protected:
  void paintOverlay(QPainter& painter, const ThemeColors& colors) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  struct Frame;
  Frame frameFor(const QRectF& area) const;
  double magnitude(size_t channel) const;
  void hover(int position);
  void order();

  ChannelRanges m_ranges;
  QString m_axis;
  std::vector<size_t> m_order;  // channels from left to right
  double m_median = 0;          // of the channels' magnitudes
  bool m_sorted = false;
  int m_hovered = -1;  // position
};

}  // namespace espalier
