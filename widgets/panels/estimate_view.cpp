#include "widgets/panels/estimate_view.h"

#include <QGridLayout>
#include <QLabel>

#include <algorithm>

#include "widgets/models/display_text.h"
#include "widgets/models/recipe_checker.h"
#include "widgets/theme/numbers.h"
#include "widgets/theme/theme.h"

namespace espalier {

namespace {

QString bytesText(double bytes) { return bytes < 0 ? QString(kUnknownMark) : formatBytes(bytes); }

}  // namespace

EstimateView::EstimateView(RecipeChecker* checker, QWidget* parent) : QWidget(parent), m_checker(checker) {
  auto* grid = new QGridLayout(this);
  grid->setContentsMargins(kGrid, kGrid, kGrid, kGrid);
  grid->setHorizontalSpacing(kGrid);
  grid->setVerticalSpacing(kGrid / 4);
  grid->setColumnStretch(0, 1);
  m_title = new QLabel(tr("Estimate, against float32"), this);
  m_title->setToolTip(tr("Now: the model with every weight in float32, the baseline of every run."));
  grid->addWidget(m_title, 0, 0, 1, 5);
  int row = 1;
  const auto addLine = [&](Line& line, const QString& name, const QString& tip) {
    line.name = new QLabel(name, this);
    line.before = new QLabel(this);
    line.after = new QLabel(this);
    line.ratio = new QLabel(this);
    line.name->setToolTip(tip);
    auto* arrow = new QLabel(QStringLiteral("→"), this);
    for (QLabel* label : {line.before, line.after, line.ratio}) {
      label->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
      label->setTextInteractionFlags(Qt::TextSelectableByMouse);
    }
    line.ratio->setToolTip(tr("Afterwards, as a share of now."));
    grid->addWidget(line.name, row, 0);
    grid->addWidget(line.before, row, 1);
    grid->addWidget(arrow, row, 2);
    grid->addWidget(line.after, row, 3);
    grid->addWidget(line.ratio, row, 4);
    grid->setColumnMinimumWidth(4, 6 * kGrid);
    ++row;
  };
  addLine(m_size, tr("Size"), tr("Bytes of the bundle that the recipe would write."));
  addLine(m_parameters, tr("Parameters"), tr("Scalars that are kept; a shared weight counts once."));
  addLine(m_macs, tr("MACs"), tr("Multiply-accumulates of one sequence of 128 tokens."));
  m_status = new QLabel(this);
  m_status->setWordWrap(true);
  m_status->setTextInteractionFlags(Qt::TextSelectableByMouse);
  grid->addWidget(m_status, row, 0, 1, 5);
  connect(checker, &RecipeChecker::changed, this, &EstimateView::refresh);
  connect(&Theme::instance(), &Theme::changed, this, &EstimateView::refresh);
  refresh();
}

void EstimateView::setLine(const Line& line, double before, double after, QString (*text)(double)) {
  line.before->setText(text(before));
  line.after->setText(text(after));
  line.ratio->setText(before > 0 && after >= 0 ? QString::number(after / before * 100, 'f', 0) + QStringLiteral(" %")
                                               : QString());
}

void EstimateView::refresh() {
  const ThemeColors& colors = Theme::instance().colors();
  QFont strong = Theme::instance().bodyFont();
  strong.setWeight(QFont::DemiBold);
  m_title->setFont(strong);
  m_status->setFont(Theme::instance().secondaryFont());
  const std::vector<StepEstimate>& estimates = m_checker->estimates();
  const StepEstimate before = estimates.empty() ? StepEstimate() : estimates.front();
  const StepEstimate after = estimates.empty() ? StepEstimate() : estimates.back();
  setLine(m_size, before.bytes, after.bytes, bytesText);
  setLine(m_parameters, before.parameters, after.parameters, countText);
  setLine(m_macs, before.macs, after.macs, countText);

  QColor statusColor = colors.secondaryText;
  QString status;
  if (m_checker->hasIssues()) {
    status = tr("Some settings are marked: put them right first.");
    statusColor = colors.error;
  } else if (m_checker->state() == RecipeChecker::State::Asking) {
    status = tr("Counting …");
  } else if (m_checker->state() == RecipeChecker::State::Failed) {
    status = m_checker->failure();
    statusColor = colors.error;
  } else if (m_checker->state() == RecipeChecker::State::Ready && !estimates.empty()) {
    double seconds = 0;
    double peak = 0;
    bool known = false;
    for (const StepEstimate& step : estimates) {
      if (step.jobSeconds >= 0) {
        seconds += step.jobSeconds;
        known = true;
      }
      peak = std::max(peak, step.peakBytes);
    }
    QStringList parts;
    if (known)
      parts << (seconds < 1 ? tr("under a second of work") : tr("about %1 of work").arg(durationText(seconds)));
    if (peak > 0) parts << tr("%1 of memory at the most").arg(formatBytes(peak));
    status = parts.join(QStringLiteral(", "));
  } else if (m_checker->state() == RecipeChecker::State::Idle) {
    status = tr("Open a model to see what the recipe would give.");
  }
  m_status->setStyleSheet(QStringLiteral("color: %1;").arg(statusColor.name()));
  m_status->setText(status);
}

QString EstimateView::statusText() const { return m_status->text(); }

QString EstimateView::lineText(const QString& name) const {
  for (const Line* line : {&m_size, &m_parameters, &m_macs}) {
    if (line->name->text() == name) return line->before->text() + QStringLiteral(" → ") + line->after->text();
  }
  return {};
}

}  // namespace espalier
