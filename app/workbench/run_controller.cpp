#include "app/workbench/run_controller.h"

#include <algorithm>

namespace espalier {

QString recipeTitle(const Recipe& recipe) {
  if (!recipe.name.empty()) return QString::fromStdString(recipe.name);
  QStringList methods;
  for (const Step& step : recipe.steps) {
    if (step.enabled) methods << QString::fromStdString(step.method);
  }
  return methods.isEmpty() ? RunController::tr("baseline") : methods.join(QStringLiteral(" + "));
}

RunController::RunController(Session* session, QObject* parent) : QObject(parent), m_session(session) {
  connect(session, &Session::modelChanged, this, &RunController::stateChanged);
  connect(session, &Session::taskChanged, this, &RunController::stateChanged);
  connect(session->recipe(), &RecipeDocument::changed, this, &RunController::stateChanged);
  connect(session->checker(), &RecipeChecker::changed, this, &RunController::stateChanged);
}

QString RunController::whyNot() const {
  if (!m_session->model()) return tr("Open a model first.");
  if (!m_session->task()) return tr("Open a task first: a folder with train and dev files.");
  if (m_job != 0) return tr("A recipe is running; cancel it or wait for its end.");
  if (m_session->checker()->hasIssues()) return tr("Some settings of the recipe are marked: put them right first.");
  return {};
}

void RunController::start() {
  if (whyNot().isEmpty()) start(m_session->recipe()->recipe());
}

void RunController::start(const Recipe& recipe) {
  if (m_job != 0 || !m_session->model()) return;
  JobSpec spec = m_session->jobSpec("run_recipe");
  const QString title = recipeTitle(recipe);
  spec.settings["recipe"] = to_json(recipe);
  spec.settings["name"] = title.toStdString();
  spec.seed = recipe.seed;
  m_recipe = recipe;
  m_rows = 0;
  m_steps = 1 + static_cast<int>(std::count_if(recipe.steps.begin(), recipe.steps.end(),
                                               [](const Step& step) { return step.enabled; }));
  JobCallbacks callbacks;
  callbacks.result = [this](const Json& piece) { takeResult(piece); };
  callbacks.done = [this](const Json&) {
    ended();
    Q_EMIT finished();
  };
  callbacks.failed = [this](const ErrorInfo& error) {
    ended();
    Q_EMIT failed(error, m_rows, m_steps);
  };
  callbacks.cancelled = [this] {
    ended();
    Q_EMIT cancelled(m_rows, m_steps);
  };
  m_job = m_session->jobs()->start(spec, JobLane::Work, tr("Run %1").arg(title), this, std::move(callbacks));
  Q_EMIT stateChanged();
}

void RunController::cancel() {
  if (m_job != 0) m_session->jobs()->cancel(m_job);
}

void RunController::takeResult(const Json& piece) {
  const auto kind = piece.is_object() ? piece.find("kind") : piece.end();
  if (kind == piece.end() || *kind != "row" || !piece.contains("row")) return;
  ++m_rows;
  const Json& row = piece["row"];
  m_session->runs()->addLive(row);
  Q_EMIT rowArrived(runRowFromJson(row).hash);
}

void RunController::ended() {
  m_job = 0;
  m_session->runs()->reload();
  Q_EMIT stateChanged();
}

}  // namespace espalier
