#include "app/workbench/pages/measurement_page.h"

namespace espalier {

void MeasurementPage::start(const JobSpec& spec, const QString& title, Hearers hearers) {
  const auto ended = [this, generation = m_generation] {
    if (generation != m_generation) return false;
    m_job = 0;
    return true;
  };
  JobCallbacks callbacks;
  if (hearers.piece) {
    callbacks.result = [this, generation = m_generation, piece = std::move(hearers.piece)](const Json& json) {
      if (generation == m_generation) hear(piece, json);
    };
  }
  callbacks.done = [this, ended, answer = std::move(hearers.answer)](const Json& json) {
    if (ended()) hear(answer, json);
  };
  callbacks.failed = [this, ended](const ErrorInfo& error) {
    if (!ended()) return;
    showError(error, tr("Try again"), [this] { measure(); });
    refresh();
  };
  callbacks.cancelled = [this, ended] {
    if (ended()) refresh();
  };
  bar()->clear();
  m_job = session()->jobs()->start(spec, JobLane::Work, title, this, std::move(callbacks));
  refresh();
}

void MeasurementPage::hear(const std::function<void(const Json&)>& hearer, const Json& json) {
  try {
    hearer(json);
  } catch (...) {
    showError(current_error_info(), tr("Try again"), [this] { measure(); });
    refresh();
  }
}

void MeasurementPage::measureOrCancel() {
  if (m_job != 0) {
    session()->jobs()->cancel(m_job);
  } else {
    measure();
  }
}

void MeasurementPage::forgetMeasurement() {
  ++m_generation;
  if (m_job != 0) session()->jobs()->cancel(m_job);
  m_job = 0;
}

}  // namespace espalier
