#pragma once
#include <optional>
#include <vector>

#include "inspect/statistics.h"
#include "widgets/charts/chart.h"

namespace espalier {

// Counts of a matrix's values, linear or logarithmic, with mean, standard deviations and, if asked, the levels that a
// quantizer would keep.
class HistogramView : public Chart {
  Q_OBJECT

 public:
  explicit HistogramView(QWidget* parent = nullptr);

  void setHistogram(const Histogram& histogram, const Statistics& statistics);
  void clear();
  void setLogCounts(bool on);
  bool logCounts() const { return m_logCounts; }
  // Counts of another matrix in the same bins, drawn as an outline with its name; empty for none.
  void setOther(const Histogram& histogram, const QString& name);
  // Values that the quantizer can say, and a line about them; empty for none. More than 512 are drawn as their range
  // only.
  void setQuantizationLevels(std::vector<double> levels, const QString& about = {});
  // "weight" by default.
  void setQuantity(const QString& quantity);

  bool isEmpty() const override { return m_histogram.counts.empty(); }
  void paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const override;
  QString figureCsv() const override;
  QSize sizeHint() const override { return {480, 200}; }
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  void logCountsChanged(bool on);

 protected:
  void paintOverlay(QPainter& painter, const ThemeColors& colors) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  void hoverBin(int bin);

  Histogram m_histogram;
  Histogram m_other;
  QString m_otherName;
  Statistics m_statistics;
  std::vector<double> m_levels;
  QString m_aboutLevels;
  QString m_quantity;
  bool m_logCounts = false;
  int m_hovered = -1;
};

}  // namespace espalier
