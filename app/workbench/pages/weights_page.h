#pragma once
#include "app/workbench/pages/page.h"
#include "widgets/models/weight_comparison.h"

class QComboBox;
class QToolButton;

namespace espalier {

class ElidedLabel;
class HeatMapView;
class RunPicker;
class WeightDetails;
class WeightMaps;

// The selected matrix as a heat map, alone or before and after a run with the difference; under it its distribution,
// spectrum, ranges and outliers.
class WeightsPage : public Page {
  Q_OBJECT

 public:
  explicit WeightsPage(Session* session, QWidget* parent = nullptr);

  Chart* mainChart() const override;
  void activate() override;
  const QString& shownSlot() const { return m_shown; }
  HeatMapView* heatMap() const;
  WeightMaps* maps() const { return m_maps; }
  WeightDetails* details() const { return m_details; }
  RunPicker* runPicker() const { return m_run; }
  // One line about the weight, and about the difference.
  QString facts() const;

 Q_SIGNALS:
  // The first pixels of a weight are on screen.
  void heatMapShown(const QString& slot);

 private:
  void modelChanged();
  void showSlot(const QString& slot);
  void compare();
  void endComparing();
  void showFacts();
  QString shortRunName() const;

  QComboBox* m_picker;
  RunPicker* m_run;
  std::vector<QToolButton*> m_kinds;  // before, after, difference
  ElidedLabel* m_facts;
  WeightMaps* m_maps;
  WeightDetails* m_details;
  BackgroundReader m_otherReader;
  QString m_shown;
  QString m_difference;  // what the facts say of the other model
};

}  // namespace espalier
