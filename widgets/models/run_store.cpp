#include "widgets/models/run_store.h"

#include <algorithm>

#include "widgets/models/method_catalog.h"
#include "widgets/models/recipe_steps_model.h"
#include "workspace/workspace.h"

namespace espalier {

namespace {

double number(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number() ? found->get<double>() : RunRow::kUnknown;
}

QString text(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? QString::fromStdString(found->get<std::string>()) : QString();
}

int whole(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number() ? found->get<int>() : 0;
}

QStringList texts(const Json& json, const char* key) {
  QStringList list;
  const auto found = json.find(key);
  if (found == json.end() || !found->is_array()) return list;
  for (const Json& item : *found) {
    if (item.is_string()) list << QString::fromStdString(item.get<std::string>());
  }
  return list;
}

struct WorkspaceContent {
  std::vector<RunSummary> runs;
  std::vector<RunRow> rows;
};

WorkspaceContent readWorkspace(const std::filesystem::path& folder, const std::string& model, const std::string& task,
                               const CancelToken& cancel) {
  WorkspaceContent content;
  if (!std::filesystem::exists(folder)) return content;
  const Workspace workspace(folder);
  std::set<std::string> seen;
  QHash<QString, QStringList> recipes;  // by the step they end with
  for (const RunRecord& record : workspace.runs()) {
    cancel.throw_if_cancelled();
    if (record.recipe.model != model || record.recipe.task != task) continue;
    RunSummary run;
    run.id = record.id;
    run.name = QString::fromStdString(record.name);
    run.state = QString::fromStdString(record.state);
    run.message = QString::fromStdString(record.message);
    run.recipe = record.recipe;
    for (const std::string& hash : record.steps) {
      run.steps.push_back(QString::fromStdString(hash));
      if (!seen.insert(hash).second) continue;
      const std::optional<StepRecord> step = workspace.find_step(hash);
      if (!step) continue;
      RunRow row = runRowFromJson(step->measures);
      row.hash = QString::fromStdString(step->hash);
      row.parent = QString::fromStdString(step->parent);
      row.method = QString::fromStdString(step->step.method);
      row.settings = step->step.settings;
      row.scope = step->step.scope;
      row.bundle = QString::fromStdString(step->bundle.string());
      content.rows.push_back(std::move(row));
    }
    if (!run.steps.empty()) recipes[run.steps.back()] << run.name;
    content.runs.push_back(std::move(run));
  }
  for (RunRow& row : content.rows) {
    row.recipes = recipes.value(row.hash);
    row.recipes.removeDuplicates();
  }
  return content;
}

}  // namespace

RunRow runRowFromJson(const Json& json) {
  RunRow row;
  if (!json.is_object()) return row;
  row.hash = text(json, "hash");
  row.parent = text(json, "parent");
  row.method = text(json, "method");
  row.settings = json.value("settings", Json::object());
  row.accuracy = number(json, "accuracy");
  row.accuracyLow = number(json, "accuracy_low");
  row.accuracyHigh = number(json, "accuracy_high");
  row.bytes = number(json, "bundle_bytes");
  row.parameters = number(json, "parameters");
  row.macs = number(json, "macs");
  row.latencyLow = number(json, "latency_ms_p10");
  row.latency = number(json, "latency_ms_p50");
  row.latencyHigh = number(json, "latency_ms_p90");
  row.speedup = number(json, "speedup");
  row.latencyBatch = whole(json, "latency_batch");
  row.latencyLength = whole(json, "latency_length");
  row.latencyThreads = whole(json, "latency_threads");
  row.kernels = text(json, "kernels");
  row.split = text(json, "split");
  row.examples = number(json, "examples");
  row.labelLoyalty = number(json, "label_loyalty");
  row.probabilityLoyalty = number(json, "probability_loyalty");
  row.mcnemarP = number(json, "mcnemar_p");
  const auto cached = json.find("cached");
  row.cached = cached != json.end() && cached->is_boolean() && cached->get<bool>();
  row.warnings = texts(json, "warnings");
  row.notes = texts(json, "notes");
  row.bundle = text(json, "bundle");
  return row;
}

RunStore::RunStore(std::filesystem::path workspace, MethodCatalog* catalog, QObject* parent)
    : QObject(parent), m_workspace(std::move(workspace)), m_catalog(catalog) {
  connect(catalog, &MethodCatalog::changed, this, [this] {
    if (m_rows.empty()) return;
    nameRows();
    Q_EMIT changed();
  });
}

void RunStore::setTarget(const QString& model, const QString& task) {
  if (model == m_model && task == m_task) return;
  m_model = model;
  m_task = task;
  m_rows.clear();
  m_positions.clear();
  m_runs.clear();
  Q_EMIT changed();
  reload();
}

void RunStore::reload() {
  if (m_model.isEmpty()) return;
  m_reader.start<WorkspaceContent>(
      [folder = m_workspace, model = m_model.toStdString(), task = m_task.toStdString()](const CancelToken& cancel) {
        return readWorkspace(folder, model, task, cancel);
      },
      [this](const std::shared_ptr<WorkspaceContent>& content) {
        m_runs = std::move(content->runs);
        // Rows that arrived while the workspace was being read stay.
        std::set<QString> stored;
        for (const RunRow& row : content->rows) stored.insert(row.hash);
        for (RunRow& row : m_rows) {
          if (!stored.count(row.hash)) content->rows.push_back(std::move(row));
        }
        m_rows = std::move(content->rows);
        nameRows();
        Q_EMIT changed();
      },
      [this](const ErrorInfo& error) { Q_EMIT loadFailed(QString::fromStdString(error.message)); });
}

void RunStore::addLive(const Json& json) {
  RunRow row = runRowFromJson(json);
  if (row.hash.isEmpty()) return;
  const auto known = std::find_if(m_rows.begin(), m_rows.end(), [&](const RunRow& r) { return r.hash == row.hash; });
  if (known == m_rows.end()) {
    m_rows.push_back(std::move(row));
  } else {
    *known = std::move(row);
  }
  nameRows();
  Q_EMIT changed();
}

// A row is called by its whole chain of steps, since the same last step may follow different ones.
void RunStore::nameRows() {
  m_positions.clear();
  for (size_t i = 0; i < m_rows.size(); ++i) m_positions[m_rows[i].hash] = i;
  for (RunRow& row : m_rows) {
    QStringList chain;
    QStringList methods;
    std::set<QString> families;
    const RunRow* at = &row;
    // A chain longer than the number of rows would be a loop in damaged data.
    for (size_t depth = 0; at && !at->method.isEmpty() && depth <= m_rows.size(); ++depth) {
      const QString settings = settingsSummary(at->settings, m_catalog->find(at->method));
      chain.prepend(settings.isEmpty() ? at->method : at->method + QLatin1Char(' ') + settings);
      methods.prepend(at->method.section(QLatin1Char('.'), 1));
      families.insert(at->method.section(QLatin1Char('.'), 0, 0));
      at = find(at->parent);
    }
    row.step = static_cast<int>(chain.size());
    row.name = chain.isEmpty() ? tr("baseline") : chain.join(QStringLiteral(" + "));
    row.lastSettings = settingsSummary(row.settings, m_catalog->find(row.method));
    row.shortName = chain.isEmpty() ? row.name : methods.join(QStringLiteral(" + "));
    row.family = chain.isEmpty() ? QStringLiteral("baseline")
                                 : (families.size() > 1 ? QStringLiteral("combined") : *families.begin());
  }
}

const RunRow* RunStore::find(const QString& hash) const {
  const auto found = m_positions.find(hash);
  return found == m_positions.end() ? nullptr : &m_rows[*found];
}

const RunRow* RunStore::baseline() const {
  for (const RunRow& row : m_rows) {
    if (row.isBaseline()) return &row;
  }
  return nullptr;
}

const RunRow* RunStore::baselineOf(const RunRow& row) const {
  const RunRow* at = &row;
  // A chain longer than the number of rows would be a loop in damaged data.
  for (size_t depth = 0; at && depth <= m_rows.size(); ++depth) {
    if (at->isBaseline()) return at;
    at = find(at->parent);
  }
  return baseline();
}

}  // namespace espalier
