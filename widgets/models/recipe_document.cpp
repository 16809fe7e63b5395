#include "widgets/models/recipe_document.h"

#include <QUndoCommand>

#include <algorithm>

#include "base/json.h"

namespace espalier {

namespace {
constexpr int kMergeId = 1;
constexpr const char* kHeadsMethod = "prune.heads";
constexpr const char* kHeadsKey = "heads";
constexpr const char* kUnitsMethod = "prune.neurons";
constexpr const char* kUnitsKey = "units";
constexpr const char* kLayersMethod = "prune.layers";
constexpr const char* kLayersKey = "layers";
}  // namespace

// A recipe is small, so a command holds it whole before and after: no edit can be undone wrongly.
class RecipeDocument::Edit : public QUndoCommand {
 public:
  Edit(RecipeDocument* document, const QString& text, Recipe before, Recipe after, int row, QString mergeKey)
      : QUndoCommand(text),
        m_document(document),
        m_before(std::move(before)),
        m_after(std::move(after)),
        m_row(row),
        m_mergeKey(std::move(mergeKey)) {}

  void undo() override { m_document->apply(m_before, m_row); }
  void redo() override { m_document->apply(m_after, m_row); }
  int id() const override { return m_mergeKey.isEmpty() ? -1 : kMergeId; }
  bool mergeWith(const QUndoCommand* other) override {
    const auto* edit = static_cast<const Edit*>(other);
    if (edit->m_mergeKey != m_mergeKey) return false;
    m_after = edit->m_after;
    setObsolete(m_after.steps == m_before.steps && m_after.name == m_before.name && m_after.seed == m_before.seed);
    return true;
  }

 private:
  RecipeDocument* m_document;
  Recipe m_before;
  Recipe m_after;
  int m_row;
  QString m_mergeKey;
};

RecipeDocument::RecipeDocument(QObject* parent) : QObject(parent) { m_undoStack.setUndoLimit(500); }

int RecipeDocument::numEnabledSteps() const {
  return static_cast<int>(
      std::count_if(m_recipe.steps.begin(), m_recipe.steps.end(), [](const Step& step) { return step.enabled; }));
}

void RecipeDocument::setTarget(const QString& model, const QString& task, const QString& device) {
  Recipe recipe = m_recipe;
  recipe.model = model.toStdString();
  recipe.task = task.toStdString();
  recipe.device = device.toStdString();
  if (recipe == m_recipe) return;
  m_recipe = std::move(recipe);
  Q_EMIT changed();
}

void RecipeDocument::push(const QString& text, Recipe after, int row, const QString& mergeKey) {
  if (after == m_recipe) return;
  m_undoStack.push(new Edit(this, text, m_recipe, std::move(after), row, mergeKey));
}

void RecipeDocument::apply(const Recipe& recipe, int row) {
  m_recipe.steps = recipe.steps;
  m_recipe.name = recipe.name;
  m_recipe.seed = recipe.seed;
  m_recipe.measure = recipe.measure;
  Q_EMIT changed();
  if (numSteps() > 0 && row >= 0) Q_EMIT stepTouched(std::min(row, numSteps() - 1));
}

int RecipeDocument::addStep(const QString& method, int row) {
  if (row < 0 || row > numSteps()) row = numSteps();
  Recipe recipe = m_recipe;
  Step step;
  step.method = method.toStdString();
  recipe.steps.insert(recipe.steps.begin() + row, std::move(step));
  push(tr("add %1").arg(method), std::move(recipe), row);
  return row;
}

void RecipeDocument::removeStep(int row) {
  if (!isRow(row)) return;
  Recipe recipe = m_recipe;
  const QString method = QString::fromStdString(recipe.steps[static_cast<size_t>(row)].method);
  recipe.steps.erase(recipe.steps.begin() + row);
  push(tr("delete %1").arg(method), std::move(recipe), row);
}

void RecipeDocument::duplicateStep(int row) {
  if (!isRow(row)) return;
  Recipe recipe = m_recipe;
  Step copy = recipe.steps[static_cast<size_t>(row)];
  const QString method = QString::fromStdString(copy.method);
  recipe.steps.insert(recipe.steps.begin() + row + 1, std::move(copy));
  push(tr("duplicate %1").arg(method), std::move(recipe), row + 1);
}

void RecipeDocument::moveStep(int from, int to) {
  if (!isRow(from) || !isRow(to) || from == to) return;
  Recipe recipe = m_recipe;
  Step step = std::move(recipe.steps[static_cast<size_t>(from)]);
  const QString method = QString::fromStdString(step.method);
  recipe.steps.erase(recipe.steps.begin() + from);
  recipe.steps.insert(recipe.steps.begin() + to, std::move(step));
  push(tr("move %1").arg(method), std::move(recipe), to);
}

void RecipeDocument::setStepEnabled(int row, bool enabled) {
  if (!isRow(row)) return;
  Recipe recipe = m_recipe;
  Step& step = recipe.steps[static_cast<size_t>(row)];
  step.enabled = enabled;
  const QString method = QString::fromStdString(step.method);
  push(enabled ? tr("switch on %1").arg(method) : tr("switch off %1").arg(method), std::move(recipe), row);
}

void RecipeDocument::setSetting(int row, const std::string& key, const Json& value) {
  if (!isRow(row)) return;
  Recipe recipe = m_recipe;
  Step& step = recipe.steps[static_cast<size_t>(row)];
  step.settings[key] = value;
  const QString name = QString::fromStdString(key);
  push(tr("change %1").arg(name), std::move(recipe), row, QStringLiteral("%1/%2").arg(row).arg(name));
}

void RecipeDocument::clearSetting(int row, const std::string& key) {
  if (!isRow(row)) return;
  Recipe recipe = m_recipe;
  recipe.steps[static_cast<size_t>(row)].settings.erase(key);
  push(tr("reset %1").arg(QString::fromStdString(key)), std::move(recipe), row);
}

void RecipeDocument::setScope(int row, const Scope& scope) {
  if (!isRow(row)) return;
  Recipe recipe = m_recipe;
  recipe.steps[static_cast<size_t>(row)].scope = scope;
  push(tr("change scope"), std::move(recipe), row, QStringLiteral("%1 scope").arg(row));
}

void RecipeDocument::setName(const QString& name) {
  Recipe recipe = m_recipe;
  recipe.name = name.toStdString();
  push(tr("rename recipe"), std::move(recipe), -1, QStringLiteral("name"));
}

void RecipeDocument::setSeed(quint64 seed) {
  Recipe recipe = m_recipe;
  recipe.seed = seed;
  push(tr("change seed"), std::move(recipe), -1, QStringLiteral("seed"));
}

void RecipeDocument::replace(const Recipe& recipe, const QString& what) {
  Recipe after = m_recipe;
  after.steps = recipe.steps;
  after.name = recipe.name;
  after.seed = recipe.seed;
  after.measure = recipe.measure;
  push(what, std::move(after), 0);
}

int RecipeDocument::stepOf(const std::string& method) const {
  for (int row = numSteps() - 1; row >= 0; --row) {
    const Step& step = m_recipe.steps[static_cast<size_t>(row)];
    if (step.enabled && step.method == method) return row;
  }
  return -1;
}

HeadSet RecipeDocument::chosenPairs(const std::string& method, const std::string& key) const {
  const int row = stepOf(method);
  if (row < 0) return {};
  return headsFromJson(m_recipe.steps[static_cast<size_t>(row)].settings.value(key, Json::array()));
}

HeadSet RecipeDocument::chosenHeads() const { return chosenPairs(kHeadsMethod, kHeadsKey); }

HeadSet RecipeDocument::chosenUnits() const { return chosenPairs(kUnitsMethod, kUnitsKey); }

std::set<int> RecipeDocument::chosenLayers() const {
  const int row = stepOf(kLayersMethod);
  if (row < 0) return {};
  const Json list = m_recipe.steps[static_cast<size_t>(row)].settings.value(kLayersKey, Json());
  if (!list.is_string()) return {};
  const auto layers = layersFromText(QString::fromStdString(list.get<std::string>())).value_or(std::vector<int32_t>{});
  return {layers.begin(), layers.end()};
}

int RecipeDocument::setList(const std::string& method, const std::string& key, const Json& list, int row,
                            const QString& text) {
  Recipe recipe = m_recipe;
  if (const int found = stepOf(method); found >= 0) {
    row = found;
  } else {
    Step step;
    step.method = method;
    recipe.steps.insert(recipe.steps.begin() + row, std::move(step));
  }
  Step& step = recipe.steps[static_cast<size_t>(row)];
  if (!list.is_null()) {
    step.settings[key] = list;
  } else {
    // An empty list would mean "a share of all": a step that said nothing else goes with its last item.
    step.settings.erase(key);
    if (step.settings.empty()) recipe.steps.erase(recipe.steps.begin() + row);
  }
  push(text, std::move(recipe), row);
  return row;
}

int RecipeDocument::toggleHead(int layer, int head) {
  HeadSet heads = chosenHeads();
  const bool removed = heads.erase({layer, head}) > 0;
  if (!removed) heads.emplace(layer, head);
  // Structured pruning first: what is removed need not be factorized or quantized afterwards.
  return setList(kHeadsMethod, kHeadsKey, heads.empty() ? Json() : headsToJson(heads), 0,
                 removed ? tr("keep head %1.%2").arg(layer).arg(head) : tr("prune head %1.%2").arg(layer).arg(head));
}

int RecipeDocument::toggleUnits(int layer, const std::set<int>& units) {
  HeadSet chosen = chosenUnits();
  const bool all = std::ranges::all_of(units, [&](int unit) { return chosen.contains({layer, unit}); });
  for (const int unit : units) {
    if (all) {
      chosen.erase({layer, unit});
    } else {
      chosen.emplace(layer, unit);
    }
  }
  const QString text = all ? tr("keep %1 units of layer %2") : tr("prune %1 units of layer %2");
  return setList(kUnitsMethod, kUnitsKey, chosen.empty() ? Json() : headsToJson(chosen), stepOf(kHeadsMethod) + 1,
                 text.arg(units.size()).arg(layer));
}

int RecipeDocument::toggleLayer(int layer) {
  std::set<int> layers = chosenLayers();
  const bool removed = layers.erase(layer) > 0;
  if (!removed) layers.insert(layer);
  // The steps after it count the layers that are left: listed heads and units go before.
  return setList(kLayersMethod, kLayersKey,
                 layers.empty() ? Json() : Json(layersToText({layers.begin(), layers.end()}).toStdString()),
                 std::max(stepOf(kHeadsMethod), stepOf(kUnitsMethod)) + 1,
                 removed ? tr("keep layer %1").arg(layer) : tr("prune layer %1").arg(layer));
}

void RecipeDocument::load(const Recipe& recipe) {
  m_undoStack.clear();
  Recipe loaded = recipe;
  loaded.model = m_recipe.model;
  loaded.task = m_recipe.task;
  loaded.device = m_recipe.device;
  m_recipe = std::move(loaded);
  Q_EMIT changed();
  if (numSteps() > 0) Q_EMIT stepTouched(0);
}

}  // namespace espalier
