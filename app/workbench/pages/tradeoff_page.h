#pragma once
#include "app/workbench/pages/page.h"

class QCheckBox;
class QLabel;

namespace espalier {

class TradeoffPlot;

// What is paid and what is got: accuracy against size and against latency, side by side.
class TradeoffPage : public Page {
  Q_OBJECT

 public:
  explicit TradeoffPage(Session* session, QWidget* parent = nullptr);

  Chart* mainChart() const override;
  void activate() override;
  TradeoffPlot* sizePlot() const { return m_size; }
  TradeoffPlot* latencyPlot() const { return m_latency; }

 private:
  void refresh();
  void followSelection();

  TradeoffPlot* m_size;
  TradeoffPlot* m_latency;
  QCheckBox* m_log;
  QLabel* m_detail;
};

// One paragraph about a run: what it is, what it costs, how it differs from the baseline.
QString describeRun(const RunRow& row, const RunRow* baseline);

}  // namespace espalier
