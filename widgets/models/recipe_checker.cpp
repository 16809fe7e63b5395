#include "widgets/models/recipe_checker.h"

#include <algorithm>

#include "widgets/models/job_center.h"
#include "widgets/models/method_catalog.h"
#include "widgets/models/recipe_document.h"

namespace espalier {

namespace {
constexpr int kDelayMs = 200;

double numberOr(const Json& json, const char* key, double fallback) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number() ? found->get<double>() : fallback;
}
}  // namespace

RecipeChecker::RecipeChecker(RecipeDocument* document, MethodCatalog* catalog, JobCenter* jobs, QObject* parent)
    : QObject(parent), m_document(document), m_catalog(catalog), m_jobs(jobs) {
  m_delay.setSingleShot(true);
  m_delay.setInterval(kDelayMs);
  connect(&m_delay, &QTimer::timeout, this, &RecipeChecker::ask);
  connect(document, &RecipeDocument::changed, this, &RecipeChecker::recipeChanged);
  connect(catalog, &MethodCatalog::changed, this, &RecipeChecker::recipeChanged);
}

void RecipeChecker::setEnabled(bool enabled) {
  m_enabled = enabled;
  m_estimates.clear();
  m_workerIssues.clear();
  m_asked = {};
  m_state = State::Idle;
  recipeChanged();
}

const std::vector<Issue>& RecipeChecker::issues(int step) const {
  static const std::vector<Issue> kNone;
  return step >= 0 && step < static_cast<int>(m_issues.size()) ? m_issues[static_cast<size_t>(step)] : kNone;
}

std::vector<int> RecipeChecker::issueCounts() const {
  std::vector<int> counts;
  for (const auto& issues : m_issues) counts.push_back(static_cast<int>(issues.size()));
  return counts;
}

bool RecipeChecker::hasIssues() const {
  return std::any_of(m_issues.begin(), m_issues.end(), [](const auto& issues) { return !issues.empty(); });
}

void RecipeChecker::recipeChanged() {
  checkSchema();
  const Recipe& recipe = m_document->recipe();
  // What the worker said holds for the recipe it was asked about; step by step it is kept only while that step stays.
  if (m_asked.steps != recipe.steps) m_workerIssues.clear();
  m_issues = m_schemaIssues;
  for (size_t i = 0; i < m_issues.size() && i < m_workerIssues.size(); ++i) {
    for (const Issue& issue : m_workerIssues[i]) {
      if (std::find(m_issues[i].begin(), m_issues[i].end(), issue) == m_issues[i].end()) m_issues[i].push_back(issue);
    }
  }
  if (m_enabled && (m_asked != recipe || m_state == State::Idle)) {
    m_state = State::Asking;
    m_delay.start();
  }
  Q_EMIT changed();
}

void RecipeChecker::checkSchema() {
  m_schemaIssues.clear();
  for (const Step& step : m_document->recipe().steps) {
    std::vector<Issue> issues;
    const MethodEntry* entry = m_catalog->find(QString::fromStdString(step.method));
    if (entry) {
      issues = check_settings(entry->settings, step.settings);
    } else if (m_catalog->state() == MethodCatalog::State::Ready) {
      issues.push_back({"", tr("There is no method \"%1\". Delete the step, or add it again from the list.")
                                .arg(QString::fromStdString(step.method))
                                .toStdString()});
    }
    // A step that is switched off may be wrong.
    if (!step.enabled) issues.clear();
    m_schemaIssues.push_back(std::move(issues));
  }
}

void RecipeChecker::ask() {
  if (!m_enabled || m_inFlight) return;
  m_asked = m_document->recipe();
  JobSpec spec;
  spec.kind = "check";
  spec.settings = {
      {"recipe", to_json(m_asked)}, {"model", m_asked.model}, {"task", m_asked.task}, {"device", m_asked.device}};
  m_inFlight = true;
  const auto ended = [this] {
    m_inFlight = false;
    // Edited meanwhile: the answer is for another recipe.
    if (m_asked == m_document->recipe()) return true;
    m_delay.start();
    return false;
  };
  JobCallbacks callbacks;
  callbacks.done = [this, ended](const Json& answer) {
    if (ended()) takeAnswer(answer);
  };
  callbacks.failed = [this, ended](const ErrorInfo& error) {
    if (!ended()) return;
    m_state = State::Failed;
    m_failure = QString::fromStdString(error.message);
    m_estimates.clear();
    Q_EMIT changed();
  };
  callbacks.cancelled = [ended] { ended(); };
  m_jobs->start(spec, JobLane::Questions, tr("Check the recipe"), this, std::move(callbacks));
}

void RecipeChecker::takeAnswer(const Json& answer) {
  m_workerIssues.assign(m_asked.steps.size(), {});
  m_estimates.clear();
  m_failure.clear();
  m_state = State::Ready;
  try {
    for (const Json& item : json_get_or<Json>(answer, "issues", Json::array(), "check")) {
      const auto step = json_get_or<int64_t>(item, "step", 0, "check");
      if (step < 0 || step >= static_cast<int64_t>(m_workerIssues.size())) continue;
      m_workerIssues[static_cast<size_t>(step)].push_back(
          {json_get_or<std::string>(item, "key", "", "check"), json_get_or<std::string>(item, "message", "", "check")});
    }
    for (const Json& item : json_get_or<Json>(answer, "estimates", Json::array(), "check")) {
      m_estimates.push_back({numberOr(item, "bundle_bytes", -1), numberOr(item, "parameters", -1),
                             numberOr(item, "macs", -1), numberOr(item, "job_seconds", -1),
                             numberOr(item, "peak_bytes", -1)});
    }
  } catch (...) {
    m_state = State::Failed;
    m_failure = QString::fromStdString(current_error_info().message);
  }
  recipeChanged();
}

}  // namespace espalier
