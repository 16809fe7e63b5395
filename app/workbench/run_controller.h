#pragma once
#include <QObject>

#include "app/workbench/session.h"

namespace espalier {

// Starts the recipe in the worker, hands its rows on as they arrive, and says what happened.
class RunController : public QObject {
  Q_OBJECT

 public:
  explicit RunController(Session* session, QObject* parent = nullptr);

  // Why the recipe cannot run now; empty when it can.
  QString whyNot() const;
  bool isRunning() const { return m_job != 0; }
  // Runs the recipe being edited.
  void start();
  // Runs this one: finished steps come from the workspace.
  void start(const Recipe& recipe);
  // The recipe of the last run again, whatever has been edited since.
  void continueLast() { start(Recipe(m_recipe)); }
  void cancel();
  int rowsReceived() const { return m_rows; }

 Q_SIGNALS:
  // whyNot() or isRunning() may have changed.
  void stateChanged();
  void rowArrived(const QString& hash);
  void finished();
  // `finishedSteps` of `steps` are in the workspace.
  void failed(const espalier::ErrorInfo& error, int finishedSteps, int steps);
  void cancelled(int finishedSteps, int steps);

 private:
  void takeResult(const Json& piece);
  void ended();

  Session* m_session;
  quint64 m_job = 0;
  int m_rows = 0;
  int m_steps = 0;
  Recipe m_recipe;
};

// "prune.heads + quantize.q8": the enabled steps, or the recipe's name.
QString recipeTitle(const Recipe& recipe);

}  // namespace espalier
