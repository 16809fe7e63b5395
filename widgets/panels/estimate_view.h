#pragma once
#include <QWidget>

class QGridLayout;
class QLabel;

namespace espalier {

class RecipeChecker;

// What the recipe would give: size, parameters and MACs now and afterwards, and what the job would cost.
class EstimateView : public QWidget {
  Q_OBJECT

 public:
  explicit EstimateView(RecipeChecker* checker, QWidget* parent = nullptr);

  QString statusText() const;
  // "90.9 MB → 21.4 MB" of the line called `name`.
  QString lineText(const QString& name) const;

 private:
  struct Line {
    QLabel* name;
    QLabel* before;
    QLabel* after;
    QLabel* ratio;
  };
  void refresh();
  void setLine(const Line& line, double before, double after, QString (*text)(double));

  RecipeChecker* m_checker;
  QLabel* m_title;
  QLabel* m_status;
  Line m_size, m_parameters, m_macs;
};

}  // namespace espalier
