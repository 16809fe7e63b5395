#pragma once
#include <map>

#include "app/workbench/pages/page.h"
#include "widgets/charts/head_matrix.h"

class QComboBox;
class QLabel;
class QPushButton;

namespace espalier {

// Which heads matter: a layer x head matrix; a click prunes or keeps the head in the recipe.
class HeadsPage : public Page {
  Q_OBJECT

 public:
  explicit HeadsPage(Session* session, QWidget* parent = nullptr);

  Chart* mainChart() const override { return m_matrix; }
  void activate() override;
  HeadMatrix* matrix() const { return m_matrix; }
  // The answer of a head_importance job for one way of averaging.
  void takeAnswer(const QString& average, const Json& answer);

 private:
  void modelChanged();
  void refresh();
  void measure();
  void showPruned();
  QString average() const;

  HeadMatrix* m_matrix;
  QComboBox* m_average;
  QPushButton* m_again;
  QLabel* m_caption;
  QLabel* m_chosen;
  std::map<QString, HeadScores> m_scores;  // by way of averaging
  std::map<QString, QString> m_captions;
  quint64 m_job = 0;
  quint64 m_generation = 0;
};

}  // namespace espalier
