#include "app/workbench/pages/what_if_line.h"

#include "widgets/models/display_text.h"
#include "widgets/theme/numbers.h"

namespace espalier {

namespace {

// Clicks closer together make one question.
constexpr int kPauseMs = 120;
// Enough for a point to either side, and opened in seconds whatever the data.
constexpr int kMaxExamples = 1000;
constexpr const char* kWhere = "whatif";

}  // namespace

WhatIfLine::WhatIfLine(Session* session, QWidget* parent) : QLabel(parent), m_session(session) {
  setTextFormat(Qt::PlainText);
  setWordWrap(true);
  setAccessibleName(tr("Accuracy without the chosen heads"));
  setToolTip(
      tr("The model runs without the chosen heads from their first layer on, on the examples of which it is least "
         "sure first. The interval is a 95 % one about the accuracy on all of these examples."));
  m_pause.setSingleShot(true);
  m_pause.setInterval(kPauseMs);
  connect(&m_pause, &QTimer::timeout, this, &WhatIfLine::ask);
  connect(session->recipe(), &RecipeDocument::changed, this, [this] { update(false); });
  connect(session, &Session::modelChanged, this, [this] { update(true); });
  connect(session, &Session::taskChanged, this, [this] { update(true); });
}

void WhatIfLine::showEvent(QShowEvent* event) {
  QLabel::showEvent(event);
  update(false);
}

bool WhatIfLine::canAsk() const {
  if (!m_session->model() || !m_session->task() || m_session->task()->labels.isEmpty()) return false;
  const Architecture& architecture = m_session->model()->model.architecture;
  return architecture.head.kind == HeadKind::Classification && !architecture.has_decoder() && m_session->hasHeads();
}

void WhatIfLine::update(bool other) {
  const bool asks = canAsk() && isVisible();
  const HeadSet heads = asks ? m_session->recipe()->chosenHeads() : HeadSet{};
  if (other) m_opened = false;
  const bool opens = asks && !m_opened;
  if (!other && !opens && heads == m_heads) return;
  m_heads = heads;
  ++m_question;
  setText(heads.empty() ? QString() : tr("Estimating the accuracy without the chosen heads …"));
  if (m_job != 0) {
    if (m_answering || other) m_session->jobs()->cancel(m_job);
    return;
  }
  if (!heads.empty() || opens) {
    m_pause.start();
  } else {
    m_pause.stop();
  }
}

void WhatIfLine::ask() {
  if (m_job != 0 || !canAsk() || !isVisible() || (m_heads.empty() && m_opened)) return;
  JobSpec spec = m_session->jobSpec("whatif");
  Json heads = Json::array();
  for (const auto& [layer, head] : m_heads) heads.push_back({layer, head});
  if (m_heads.empty()) {
    spec.settings["open_only"] = true;
  } else {
    spec.settings["edits"] = Json::array({Json::array({{{"heads", heads}}})});
  }
  spec.settings["max_examples"] = kMaxExamples;
  m_opened = true;
  m_answering = false;
  JobCallbacks callbacks;
  callbacks.result = [this, question = m_question](const Json& estimate) {
    m_answering = true;
    if (question == m_question) {
      showEstimate(estimate);
    } else {
      m_session->jobs()->cancel(m_job);
    }
  };
  callbacks.done = [this, question = m_question](const Json&) { ended(question); };
  callbacks.cancelled = [this, question = m_question] { ended(question); };
  callbacks.failed = [this, question = m_question](const ErrorInfo& error) {
    if (question == m_question && !m_heads.empty()) {
      setText(tr("The accuracy without the chosen heads is not known: %1").arg(QString::fromStdString(error.message)));
    }
    ended(question);
  };
  m_job = m_session->jobs()->start(spec, JobLane::Questions, tr("What if"), this, std::move(callbacks));
}

void WhatIfLine::ended(quint64 question) {
  m_job = 0;
  m_answering = false;
  if (question != m_question && (!m_heads.empty() || !m_opened)) m_pause.start();
}

void WhatIfLine::showEstimate(const Json& estimate) {
  try {
    const auto after = json_get<double>(estimate, "accuracy", kWhere);
    const double half = std::max(json_get<double>(estimate, "accuracy_high", kWhere) - after,
                                 after - json_get<double>(estimate, "accuracy_low", kWhere));
    const auto before = json_get<double>(estimate, "baseline_accuracy", kWhere);
    const auto run = json_get<int64_t>(estimate, "examples_run", kWhere);
    const auto all = json_get<int64_t>(estimate, "examples", kWhere);
    const double seconds = json_get<double>(estimate, "ms", kWhere) / 1000;
    const QString change =
        tr("Without the chosen heads: accuracy %1 → %2").arg(percentText(before), percentText(after));
    setText(run == all ? tr("%1 (on all %2 examples, %3 s)").arg(change, formatCount(all), formatNumber(seconds, 2))
                       : tr("%1 ± %2 points (estimated on %3 of %4 examples, %5 s)")
                             .arg(change, formatNumber(100 * half, 2), formatCount(run), formatCount(all),
                                  formatNumber(seconds, 2)));
  } catch (...) {
    setText(QString::fromStdString(current_error_info().message));
  }
}

}  // namespace espalier
