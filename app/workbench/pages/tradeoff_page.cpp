#include "app/workbench/pages/tradeoff_page.h"

#include <QCheckBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QSplitter>

#include <cmath>

#include "widgets/charts/tradeoff_plot.h"
#include "widgets/models/display_text.h"
#include "widgets/theme/numbers.h"

namespace espalier {

namespace {

constexpr double kMega = 1e6;

double orElse(double value, double fallback) { return std::isfinite(value) ? value : fallback; }

std::vector<TradeoffPoint> points(const std::vector<RunRow>& rows, bool latency) {
  std::vector<TradeoffPoint> points;
  for (const RunRow& row : rows) {
    TradeoffPoint point;
    point.id = row.hash;
    point.name = row.shortName;
    point.family = row.family;
    point.baseline = row.isBaseline();
    point.x = latency ? row.latency : row.bytes / kMega;
    point.xLow = latency ? orElse(row.latencyLow, point.x) : point.x;
    point.xHigh = latency ? orElse(row.latencyHigh, point.x) : point.x;
    point.y = row.accuracy;
    point.yLow = orElse(row.accuracyLow, point.y);
    point.yHigh = orElse(row.accuracyHigh, point.y);
    if (std::isfinite(point.x) && std::isfinite(point.y)) points.push_back(std::move(point));
  }
  return points;
}

}  // namespace

QString describeRun(const RunRow& row, const RunRow* baseline) {
  QStringList parts;
  if (std::isfinite(row.accuracy)) {
    QString accuracy =
        TradeoffPage::tr("accuracy %1").arg(formatInterval(row.accuracy, row.accuracyLow, row.accuracyHigh));
    if (baseline && !row.isBaseline() && std::isfinite(baseline->accuracy)) {
      accuracy += TradeoffPage::tr(", %1 points").arg(pointsText(row.accuracy - baseline->accuracy));
      if (std::isfinite(row.mcnemarP)) {
        accuracy += row.mcnemarP < 0.05
                        ? TradeoffPage::tr(" (p = %1)").arg(formatNumber(row.mcnemarP))
                        : TradeoffPage::tr(" (cannot be told apart, p = %1)").arg(formatNumber(row.mcnemarP));
      }
    }
    parts << accuracy;
  }
  if (std::isfinite(row.bytes)) {
    const bool compare = baseline && !row.isBaseline() && std::isfinite(baseline->bytes) && row.bytes > 0;
    parts << formatBytes(row.bytes) +
                 (compare ? TradeoffPage::tr(" (%1 × smaller)").arg(baseline->bytes / row.bytes, 0, 'f', 2)
                          : QString());
  }
  if (std::isfinite(row.latency)) {
    // Only the ratio of a pair timed in turn compares fairly.
    parts << TradeoffPage::tr("%1 ms").arg(formatNumber(row.latency)) +
                 (std::isfinite(row.speedup) ? TradeoffPage::tr(" (%1 × as fast)").arg(row.speedup, 0, 'f', 2)
                                             : QString());
  }
  if (std::isfinite(row.macs)) parts << TradeoffPage::tr("%1 MACs").arg(countText(row.macs));
  if (std::isfinite(row.labelLoyalty) && !row.isBaseline()) {
    parts << TradeoffPage::tr("%1 answered as before").arg(percentText(row.labelLoyalty));
  }
  return QStringLiteral("<b>%1</b>&nbsp;&nbsp; %2")
      .arg(row.name.toHtmlEscaped(), parts.join(QStringLiteral(" · ")).toHtmlEscaped());
}

TradeoffPage::TradeoffPage(Session* session, QWidget* parent)
    : Page(session, QStringLiteral("tradeoff"), tr("Trade-off"), parent) {
  auto* content = new QWidget(this);
  auto* layout = new QVBoxLayout(content);
  layout->setContentsMargins(2 * kGrid, kGrid, 2 * kGrid, kGrid);
  layout->setSpacing(kGrid);
  auto* splitter = new QSplitter(content);
  splitter->setChildrenCollapsible(false);
  m_size = new TradeoffPlot(splitter);
  m_size->setTitle(tr("Accuracy against size"));
  m_latency = new TradeoffPlot(splitter);
  m_latency->setTitle(tr("Accuracy against latency"));
  m_latency->setEmptyText(tr("No run was timed yet."));
  m_latency->setNamesBeside(true);
  TradeoffAxes axes;
  m_size->setAxes(axes);
  axes.xName = tr("latency");
  axes.xUnit = tr("ms");
  m_latency->setAxes(axes);
  splitter->addWidget(m_size);
  splitter->addWidget(m_latency);
  layout->addWidget(splitter, 1);
  auto* below = new QHBoxLayout;
  below->setSpacing(2 * kGrid);
  m_detail = new QLabel(content);
  m_detail->setWordWrap(true);
  m_detail->setTextInteractionFlags(Qt::TextSelectableByMouse);
  m_detail->setMinimumHeight(5 * kGrid);
  m_log = new QCheckBox(tr("Logarithmic costs"), content);
  m_log->setToolTip(tr("Draws size and latency on logarithmic axes."));
  below->addWidget(m_detail, 1);
  below->addWidget(m_log, 0, Qt::AlignTop);
  layout->addLayout(below);
  setContent(content);

  for (TradeoffPlot* plot : {m_size, m_latency}) {
    follow(plot);
    connect(plot, &TradeoffPlot::runSelected, session->selection(), &Selection::selectRun);
    connect(plot, &TradeoffPlot::runOpened, this, [this] { Q_EMIT pageAsked(QStringLiteral("runs")); });
    connect(m_log, &QCheckBox::toggled, plot, &TradeoffPlot::setLogX);
    connect(plot, &TradeoffPlot::logXChanged, m_log, &QCheckBox::setChecked);
  }
  connect(session->runs(), &RunStore::changed, this, &TradeoffPage::refresh);
  connect(session->selection(), &Selection::changed, this, &TradeoffPage::followSelection);
  connect(session, &Session::modelOpening, this, &TradeoffPage::refresh);
  connect(session, &Session::modelFailed, this, &TradeoffPage::refresh);
  connect(session, &Session::modelChanged, this, &TradeoffPage::refresh);
  connect(session, &Session::taskChanged, this, &TradeoffPage::refresh);
  refresh();
}

Chart* TradeoffPage::mainChart() const { return m_size; }

void TradeoffPage::activate() { m_size->setFocus(); }

void TradeoffPage::refresh() {
  if (showModelMissing()) return;
  const std::vector<RunRow>& rows = session()->runs()->rows();
  m_size->setConditions(session()->conditions());
  m_latency->setConditions(session()->conditions());
  m_size->setPoints(points(rows, false));
  m_latency->setPoints(points(rows, true));
  if (!session()->task()) {
    showEmpty(tr("Runs are measured on a task: open the one this model was trained for."), tr("Open a task …"),
              [this] { Q_EMIT openTaskAsked(); });
  } else if (rows.empty()) {
    showEmpty(
        tr("Nothing was measured on this model and task yet. Build a recipe at the right and run it; the model as "
           "it is becomes the baseline."),
        tr("Run the recipe"), [this] { Q_EMIT runAsked(); });
  } else {
    followSelection();
    showContent();
  }
}

void TradeoffPage::followSelection() {
  const QString run = session()->selection()->state().run;
  m_size->setSelected(run);
  m_latency->setSelected(run);
  const RunRow* row = session()->runs()->find(run);
  m_detail->setText(row ? describeRun(*row, session()->runs()->baselineOf(*row))
                        : tr("Better is up and to the left. Click a run to select it everywhere."));
}

}  // namespace espalier
