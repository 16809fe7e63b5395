#pragma once
// Checks the recipe while it is being edited: the schema at once, the rest and the estimate by asking the worker a
// moment after the last edit.

#include <QObject>
#include <QTimer>

#include <vector>

#include "recipe/recipe.h"

namespace espalier {

class JobCenter;
class MethodCatalog;
class RecipeDocument;

// Sizes before anything runs; negative when unknown.
struct StepEstimate {
  double bytes = -1;
  double parameters = -1;
  double macs = -1;  // one sequence of 128 tokens
  double jobSeconds = -1;
  double peakBytes = -1;
};

class RecipeChecker : public QObject {
  Q_OBJECT

 public:
  enum class State { Idle, Asking, Ready, Failed };

  RecipeChecker(RecipeDocument* document, MethodCatalog* catalog, JobCenter* jobs, QObject* parent = nullptr);

  // False while no model is open: there is nothing to check against.
  void setEnabled(bool enabled);
  // Issues of one step, schema and method together.
  const std::vector<Issue>& issues(int step) const;
  std::vector<int> issueCounts() const;
  bool hasIssues() const;
  // The baseline first, then one an enabled step; empty until the worker has answered.
  const std::vector<StepEstimate>& estimates() const { return m_estimates; }
  State state() const { return m_state; }
  const QString& failure() const { return m_failure; }

 Q_SIGNALS:
  void changed();

 private:
  void recipeChanged();
  void ask();
  void checkSchema();
  void takeAnswer(const Json& answer);

  RecipeDocument* m_document;
  MethodCatalog* m_catalog;
  JobCenter* m_jobs;
  QTimer m_delay;
  bool m_enabled = false;
  bool m_inFlight = false;
  State m_state = State::Idle;
  Recipe m_asked;
  std::vector<std::vector<Issue>> m_schemaIssues;
  std::vector<std::vector<Issue>> m_workerIssues;
  std::vector<std::vector<Issue>> m_issues;
  std::vector<StepEstimate> m_estimates;
  QString m_failure;
};

}  // namespace espalier
