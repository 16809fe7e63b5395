#pragma once
#include <optional>

#include "app/workbench/pages/activity_report.h"
#include "app/workbench/pages/measurement_page.h"

class QComboBox;
class QLabel;
class QPushButton;
class QTreeWidget;

namespace espalier {

class ChannelView;
class ElidedLabel;
class PairMatrix;
class RunPicker;

// What flows between the layers: ranges, channels that stand out, and how alike layers are, of the open model alone or
// with a run beside it.
class ActivationsPage : public MeasurementPage {
  Q_OBJECT

 public:
  explicit ActivationsPage(Session* session, QWidget* parent = nullptr);

  Chart* mainChart() const override;
  void activate() override;
  LayerRanges* ranges() const { return m_ranges; }
  PairMatrix* likeness() const { return m_likeness; }
  ChannelView* channels() const { return m_channels; }
  QTreeWidget* outliers() const { return m_outliers; }
  RunPicker* runPicker() const { return m_run; }
  QPushButton* measureButton() const { return m_measure; }

 private:
  void forget();
  void refresh() override;
  void measure() override;
  void showReport();
  void showPlace();
  void choosePlace(int place);
  // The run's numbers are there and asked for.
  bool comparing() const;
  // The model whose channels are shown.
  const std::vector<ActivityLayer>& shownLayers() const;

  RunPicker* m_run;
  QPushButton* m_measure;
  LayerRanges* m_ranges;
  QComboBox* m_pairs;
  PairMatrix* m_likeness;
  ElidedLabel* m_placeTitle;
  QComboBox* m_side;
  ChannelView* m_channels;
  QTreeWidget* m_outliers;
  QLabel* m_caption;
  std::optional<ActivityReport> m_report;
  QString m_measured;  // hash of the run that stands in the report
  int m_place = 0;     // 0: behind the embeddings, 1: behind layer 0
};

}  // namespace espalier
