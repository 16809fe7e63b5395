#pragma once
#include <QStringList>
#include <vector>

#include "widgets/charts/chart.h"

namespace espalier {

// What two models say of one sentence: for every label the probability before and after, and the difference.
class AnswersView : public Chart {
  Q_OBJECT

 public:
  explicit AnswersView(QWidget* parent = nullptr);

  // Probabilities 0..1, one a label. An empty `after`: it is not known yet. The labels that either model gives most to
  // are shown, eight of them.
  void setAnswers(const QStringList& labels, const std::vector<double>& before, const std::vector<double>& after);
  void clear();
  // The labels shown, from the top.
  const std::vector<int>& shownLabels() const { return m_shown; }

  bool isEmpty() const override { return m_before.empty(); }
  void paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const override;
  QString figureCsv() const override;
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 protected:
  void mouseMoveEvent(QMouseEvent* event) override;

 private:
  double rowHeight() const;
  double headerHeight() const;

  QStringList m_labels;
  std::vector<double> m_before;
  std::vector<double> m_after;
  std::vector<int> m_shown;
};

}  // namespace espalier
