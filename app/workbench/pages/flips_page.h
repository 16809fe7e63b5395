#pragma once
#include "app/workbench/pages/measurement_page.h"
#include "widgets/models/flips_model.h"

class QComboBox;
class QLabel;
class QToolButton;
class QTreeView;
class QTreeWidget;

namespace espalier {

class ConfusionView;
class RunPicker;

// What a run broke and what it mended: the examples whose answer changed, worst first, cut by label pairs and slices.
// Each opens beside the open model on the Compare page, or in Attention and Saliency.
class FlipsPage : public MeasurementPage {
  Q_OBJECT

 public:
  explicit FlipsPage(Session* session, QWidget* parent = nullptr);

  Chart* mainChart() const override;
  void activate() override;
  RunPicker* runPicker() const { return m_run; }
  QTreeView* table() const { return m_table; }
  ConfusionView* confusion() const { return m_confusion; }
  QTreeWidget* slices() const { return m_slices; }

 private:
  void refresh() override;
  void measure() override;
  void forget();
  void showReport();
  void showConfusion();
  void chooseCell(const std::optional<std::pair<int, int>>& cell);
  void openExample(const QString& page);
  void followSelection();
  void showCount();

  RunPicker* m_run;
  QLabel* m_summary;
  QLabel* m_count;
  std::vector<QToolButton*> m_changes;
  FlipsModel* m_model;
  FlipsFilter* m_filter;
  QTreeView* m_table;
  QComboBox* m_pairs;
  ConfusionView* m_confusion;
  QTreeWidget* m_slices;
  std::vector<QAction*> m_opens;
  std::optional<FlipsReport> m_report;
  QString m_measured;  // hash of the run that the report is of
  bool m_following = false;
};

}  // namespace espalier
