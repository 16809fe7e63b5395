#pragma once
#include <QWidget>

#include <vector>

#include "inspect/extremes.h"
#include "inspect/spectrum.h"
#include "widgets/charts/heat_map_view.h"
#include "widgets/models/background_reader.h"

class QCheckBox;
class QComboBox;
class QPushButton;
class QTabWidget;
class QTreeWidget;

namespace espalier {

class ChannelView;
class HistogramView;
class SpectrumView;

// Under the heat map: the distribution of the values with a quantizer's grid, and by tabs the singular values, the
// ranges of the channels, the outliers. Everything is read on threads, what a tab shows when it is first looked at.
class WeightDetails : public QWidget {
  Q_OBJECT

 public:
  explicit WeightDetails(QWidget* parent = nullptr);

  void clear();
  void setWeight(const WeightPtr& weight, const MatrixLabels& labels);
  // The exact pass over the weight has ended.
  void setStatistics(const Statistics& statistics);
  // The weight of another model, drawn into the same charts; null for none.
  void setOther(const WeightPtr& other, const QString& name);
  // The row whose stored grid is drawn, where every row has its own.
  void setRow(qint64 row);
  std::vector<Chart*> charts() const;
  HistogramView* histogramView() const { return m_histogram; }
  SpectrumView* spectrumView() const { return m_spectrum; }
  QTreeWidget* outlierTable() const { return m_outliers; }
  QTabWidget* tabs() const { return m_tabs; }
  QComboBox* gridPicker() const { return m_grid; }

 Q_SIGNALS:
  void cellAsked(qint64 row, qint64 column);
  // The outliers while their tab is in front, else nothing.
  void marksChanged(const std::vector<espalier::HeatMapView::Cell>& marks);
  void failed(const espalier::ErrorInfo& error);

 private:
  enum Tab { SpectrumTab, ChannelsTab, OutliersTab };
  void readHistogram();
  void readOther();
  void readGrid();
  void readTab();
  void readSpectrum();
  void offerSpectrum();
  void takeSpectrum();
  void readRanges();
  void readOutliers();
  void showMarks();

  WeightPtr m_weight;
  MatrixLabels m_labels;
  WeightPtr m_other;
  QString m_otherName;
  Statistics m_statistics;
  bool m_measured = false;  // m_statistics are of m_weight
  bool m_spectrumRead = false, m_rangesRead = false, m_outliersRead = false;
  qint64 m_row = 0;
  std::vector<PlacedValue> m_largest;

  QComboBox* m_grid;
  HistogramView* m_histogram;
  QTabWidget* m_tabs;
  SpectrumView* m_spectrum;
  QPushButton* m_takeSpectrum;  // of matrices that are not taken unasked; hidden for others
  ChannelView* m_channels;
  QComboBox* m_channelAxis;
  QCheckBox* m_sorted;
  QTreeWidget* m_outliers;
  BackgroundReader m_histogramReader, m_gridReader, m_spectrumReader, m_rangesReader, m_outlierReader;
  BackgroundReader m_otherHistogramReader, m_otherSpectrumReader;
};

}  // namespace espalier
