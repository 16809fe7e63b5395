#pragma once
#include <QStringList>
#include <vector>

#include "widgets/charts/chart.h"

namespace espalier {

// One model's answer, one number a label.
struct LabelAnswers {
  std::vector<double> probabilities;  // 0..1
  std::vector<double> logits;         // empty: not known
};

// What two models say of one sentence: for every label probability and logit before and after, and the difference of
// the probabilities.
class AnswersView : public Chart {
  Q_OBJECT

 public:
  explicit AnswersView(QWidget* parent = nullptr);

  // An empty `after`: it is not known yet. The labels that either model gives most to are shown, eight of them.
  void setAnswers(const QStringList& labels, const LabelAnswers& before, const LabelAnswers& after);
  void clear();
  // The labels shown, from the top.
  const std::vector<int>& shownLabels() const { return m_shown; }

  bool isEmpty() const override { return m_before.probabilities.empty(); }
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
  LabelAnswers m_before;
  LabelAnswers m_after;
  std::vector<int> m_shown;
};

}  // namespace espalier
