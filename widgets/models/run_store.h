#pragma once
// The measured steps of every run on the open model and task: from the workspace, and live from the worker.

#include <QHash>
#include <QObject>
#include <QString>

#include <filesystem>
#include <limits>
#include <set>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "recipe/recipe.h"
#include "widgets/models/background_reader.h"

namespace espalier {

class MethodCatalog;

// One model that was measured: the baseline, or what a step made. Unmeasured numbers are NaN.
struct RunRow {
  static constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

  QString hash;
  QString parent;
  QString method;  // empty for the baseline
  Json settings = Json::object();
  Scope scope;
  QString name;          // "baseline", "prune.heads share 0.25 + quantize.q8"
  QString shortName;     // "heads + q8": the methods alone, for labels beside marks
  QString lastSettings;  // what the last step sets beyond its defaults
  QString family;        // of the last step; "combined" when the chain mixes families
  int step = 0;          // number of steps before and with this one
  double accuracy = kUnknown, accuracyLow = kUnknown, accuracyHigh = kUnknown;
  double bytes = kUnknown;
  double parameters = kUnknown;
  double macs = kUnknown;
  double latencyLow = kUnknown, latency = kUnknown, latencyHigh = kUnknown;  // p10, p50, p90 in ms
  double speedup = kUnknown;  // against the baseline, both timed in turn: not the ratio of two rows' latencies
  int latencyBatch = 0, latencyLength = 0, latencyThreads = 0;
  QString kernels;
  QString split;
  double examples = kUnknown;
  double labelLoyalty = kUnknown, probabilityLoyalty = kUnknown;
  double mcnemarP = kUnknown;
  bool cached = false;
  QStringList recipes;  // names of the recipes that end with this step
  QStringList warnings;
  QStringList notes;
  QString bundle;

  bool isBaseline() const { return parent.isEmpty() && method.isEmpty(); }
};

// A row as the worker sends it and the workspace keeps it. Members of the wrong type count as not measured.
RunRow runRowFromJson(const Json& json);

// One recipe that was asked for.
struct RunSummary {
  qint64 id = 0;
  QString name;
  QString state;  // "done", "running", "interrupted", ...
  QString message;
  Recipe recipe;
  std::vector<QString> steps;
};

class RunStore : public QObject {
  Q_OBJECT

 public:
  // The catalog tells which settings are defaults and need not be named.
  RunStore(std::filesystem::path workspace, MethodCatalog* catalog, QObject* parent = nullptr);

  const std::filesystem::path& workspace() const { return m_workspace; }
  // Shows the runs of this model and task; reads the workspace on a thread.
  void setTarget(const QString& model, const QString& task);
  void reload();
  // A row that the worker sent just now.
  void addLive(const Json& row);

  const std::vector<RunRow>& rows() const { return m_rows; }
  const std::vector<RunSummary>& runs() const { return m_runs; }
  const RunRow* find(const QString& hash) const;
  // The measured model as first opened; null when it was not measured yet.
  const RunRow* baseline() const;
  // The one that `row` descends from, where several were measured; else baseline().
  const RunRow* baselineOf(const RunRow& row) const;

 Q_SIGNALS:
  void changed();
  void loadFailed(const QString& message);

 private:
  void nameRows();

  std::filesystem::path m_workspace;
  MethodCatalog* m_catalog;
  QString m_model;
  QString m_task;
  std::vector<RunRow> m_rows;
  QHash<QString, size_t> m_positions;  // in m_rows, by hash
  std::vector<RunSummary> m_runs;
  BackgroundReader m_reader;
};

}  // namespace espalier
