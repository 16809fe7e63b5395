#pragma once
#include "app/workbench/pages/page.h"
#include "widgets/charts/histogram_view.h"

class QComboBox;

namespace espalier {

class ElidedLabel;
class HeatMapView;
class SpectrumView;

// The selected matrix as a heat map, its histogram under it and its singular spectrum beside.
class WeightsPage : public Page {
  Q_OBJECT

 public:
  explicit WeightsPage(Session* session, QWidget* parent = nullptr);

  Chart* mainChart() const override;
  void activate() override;
  const QString& shownSlot() const { return m_shown; }
  HeatMapView* heatMap() const { return m_heatMap; }

 Q_SIGNALS:
  // The first pixels of a weight are on screen.
  void heatMapShown(const QString& slot);

 private:
  void modelChanged();
  void showSlot(const QString& slot);
  void readHistogram();
  void readSpectrum();

  HeatMapView* m_heatMap;
  HistogramView* m_histogram;
  SpectrumView* m_spectrum;
  QComboBox* m_picker;
  ElidedLabel* m_facts;
  BackgroundReader m_histogramReader;
  BackgroundReader m_spectrumReader;
  QString m_shown;
};

}  // namespace espalier
