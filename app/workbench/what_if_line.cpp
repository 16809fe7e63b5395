#include "app/workbench/what_if_line.h"

#include "widgets/models/display_text.h"
#include "widgets/theme/numbers.h"
#include "widgets/theme/theme.h"

namespace espalier {

namespace {

// Clicks closer together make one question.
constexpr int kPauseMs = 120;
// Enough for a point to either side, and opened in seconds whatever the data.
constexpr int kMaxExamples = 1000;
constexpr const char* kWhere = "whatif";
const QString kHeadsPage = QStringLiteral("heads");

}  // namespace

WhatIfLine::WhatIfLine(Session* session, QWidget* parent) : QLabel(parent), m_session(session) {
  setTextFormat(Qt::PlainText);
  setWordWrap(true);
  setAccessibleName(tr("Accuracy after the edit"));
  setTextInteractionFlags(Qt::TextSelectableByMouse);
  setToolTip(
      tr("The edited model runs from the first changed layer on, on the examples of which it is least sure first; "
         "nothing is trained. The interval is a 95 % one about the accuracy on all of these examples. Bits are tried "
         "with a scale a row and inputs left as they are."));
  m_pause.setSingleShot(true);
  m_pause.setInterval(kPauseMs);
  connect(&m_pause, &QTimer::timeout, this, &WhatIfLine::ask);
  connect(session->recipe(), &RecipeDocument::changed, this, [this] { update(false); });
  connect(session->selection(), &Selection::changed, this, [this] { update(false); });
  connect(session, &Session::modelChanged, this, [this] { update(true); });
  connect(session, &Session::taskChanged, this, [this] { update(true); });
  const auto restyle = [this] {
    setFont(Theme::instance().secondaryFont());
    setStyleSheet(QStringLiteral("color: %1;").arg(Theme::instance().colors().text.name()));
  };
  connect(&Theme::instance(), &Theme::changed, this, restyle);
  restyle();
}

void WhatIfLine::setStep(int row) {
  m_step = row;
  update(false);
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
  WhatIfEdit edit;
  if (asks) edit = whatIfEdit(*m_session->recipe(), m_session->model()->model.architecture, m_step);
  const bool looked = asks && m_session->selection()->state().page == kHeadsPage;
  const bool same = edit.parts == m_edit.parts;
  const bool wanted = looked || (!other && (m_wanted || !same));
  const bool wakes = wanted && !m_wanted;
  m_wanted = wanted;
  if (other) m_opened = false;
  const bool opens = looked && !m_opened;
  if (!other && same && !opens && !wakes) return;
  m_edit = std::move(edit);
  ++m_question;
  const bool question = m_wanted && !m_edit.parts.empty();
  setText(question ? tr("Estimating the accuracy %1 …").arg(m_edit.text) : QString());
  if (m_job != 0) {
    if (m_answering || other) m_session->jobs()->cancel(m_job);
    return;
  }
  if (question || opens) {
    m_pause.start();
  } else {
    m_pause.stop();
  }
}

void WhatIfLine::ask() {
  if (m_job != 0 || !canAsk() || !isVisible() || (m_edit.parts.empty() && m_opened)) return;
  JobSpec spec = m_session->jobSpec("whatif");
  if (m_edit.parts.empty()) {
    spec.settings["open_only"] = true;
  } else {
    spec.settings["edits"] = Json::array({m_edit.parts});
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
    if (question == m_question && !m_edit.parts.empty()) {
      setText(tr("The accuracy %1 is not known: %2").arg(m_edit.text, QString::fromStdString(error.message)));
    }
    ended(question);
  };
  m_job = m_session->jobs()->start(spec, JobLane::Questions, tr("What if"), this, std::move(callbacks));
}

void WhatIfLine::ended(quint64 question) {
  m_job = 0;
  m_answering = false;
  if (question != m_question && m_wanted && (!m_edit.parts.empty() || !m_opened)) m_pause.start();
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
    const QString change = tr("Accuracy %1 → %2").arg(percentText(before), percentText(after));
    setText(run == all ? tr("%1 %2 (on all %3 examples, %4 s)")
                             .arg(change, m_edit.text, formatCount(all), formatNumber(seconds, 2))
                       : tr("%1 ± %2 points %3 (estimated on %4 of %5 examples, %6 s)")
                             .arg(change, formatNumber(100 * half, 2), m_edit.text, formatCount(run), formatCount(all),
                                  formatNumber(seconds, 2)));
  } catch (...) {
    setText(QString::fromStdString(current_error_info().message));
  }
}

}  // namespace espalier
