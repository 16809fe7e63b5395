#pragma once
#include <map>

#include "app/workbench/pages/measurement_page.h"
#include "app/workbench/pages/ranking.h"

class QCheckBox;
class QComboBox;
class QHBoxLayout;
class QLabel;
class QPushButton;
class QTabWidget;

namespace espalier {

class LossCurve;
class PairMatrix;

// Which heads matter, by several criteria: one large, the others small above it, how far their rankings agree, and what
// accuracy is left as heads go. A click on a head prunes or keeps it in the recipe. Feed-forward units, in groups, and
// whole layers are ranked and clicked in the same way.
class HeadsPage : public MeasurementPage {
  Q_OBJECT

 public:
  explicit HeadsPage(Session* session, QWidget* parent = nullptr);

  Chart* mainChart() const override;
  void activate() override;
  HeadMatrix* matrix() const { return m_matrix; }
  PairMatrix* agreement() const { return m_agreement; }
  LossCurve* curve() const { return m_curve; }
  // The small pictures, one a criterion.
  const std::vector<HeadMatrix*>& thumbnails() const { return m_thumbnails; }
  QComboBox* ofBox() const { return m_of; }
  QCheckBox* perTokenBox() const { return m_perToken; }
  // The answer of an importance job of "heads", "units" or "layers".
  void takeAnswer(const QString& of, const Json& answer);

 private:
  void modelChanged();
  void refresh() override;
  void measure() override;
  void takePiece(const QString& of, const Json& piece);
  void showRanking(const Ranking& ranking);
  void showThumbnails(const Ranking& ranking);
  void showAgreement(const Ranking& ranking);
  void showCurve(const Ranking& ranking);
  void showCriterion();
  void showPruned();
  void strike(HeadMatrix* picture, const CriterionRanking& criterion) const;
  void toggle(LayerIndex layer, HeadIndex column);
  void showCaption();
  QString captionOf(const Ranking& ranking) const;
  QString of() const;
  // The criterion shown large; null when nothing is.
  const CriterionRanking* shownCriterion() const;

  QComboBox* m_of;
  QComboBox* m_examples;
  QCheckBox* m_perToken;
  QCheckBox* m_withCurve;
  QPushButton* m_measure;
  QLabel* m_chosen;
  QHBoxLayout* m_strip;
  std::vector<HeadMatrix*> m_thumbnails;
  QTabWidget* m_tabs;
  HeadMatrix* m_matrix;
  PairMatrix* m_agreement;
  LossCurve* m_curve;
  QLabel* m_caption;
  std::map<QString, Ranking> m_rankings;  // by what is ranked
  QString m_criterion;                    // shown large
  QString m_measuring;                    // what the job ranks
};

}  // namespace espalier
