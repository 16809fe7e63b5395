#include "widgets/models/recipe_document.h"

#include <QUndoCommand>

#include <algorithm>

namespace espalier {

namespace {
constexpr int kMergeId = 1;
constexpr const char* kHeadsMethod = "prune.heads";
constexpr const char* kHeadsKey = "heads";
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

int RecipeDocument::headsStep() const {
  for (int row = numSteps() - 1; row >= 0; --row) {
    const Step& step = m_recipe.steps[static_cast<size_t>(row)];
    if (step.enabled && step.method == kHeadsMethod) return row;
  }
  return -1;
}

HeadSet RecipeDocument::chosenHeads() const {
  const int row = headsStep();
  if (row < 0) return {};
  const Json& settings = m_recipe.steps[static_cast<size_t>(row)].settings;
  const auto found = settings.find(kHeadsKey);
  return found == settings.end() ? HeadSet{} : headsFromJson(*found);
}

int RecipeDocument::toggleHead(int layer, int head) {
  Recipe recipe = m_recipe;
  int row = headsStep();
  if (row < 0) {
    // Structured pruning first: what is removed need not be factorized or quantized afterwards.
    row = 0;
    Step step;
    step.method = kHeadsMethod;
    recipe.steps.insert(recipe.steps.begin(), std::move(step));
  }
  Step& step = recipe.steps[static_cast<size_t>(row)];
  HeadSet heads = headsFromJson(step.settings.value(kHeadsKey, Json::array()));
  const std::pair<int, int> key(layer, head);
  const bool removed = heads.erase(key) > 0;
  if (!removed) heads.insert(key);
  if (!heads.empty()) {
    step.settings[kHeadsKey] = headsToJson(heads);
  } else {
    // An empty list would mean "a share of all heads": a step that said nothing else goes with its last head.
    step.settings.erase(kHeadsKey);
    if (step.settings.empty()) recipe.steps.erase(recipe.steps.begin() + row);
  }
  push(removed ? tr("keep head %1.%2").arg(layer).arg(head) : tr("prune head %1.%2").arg(layer).arg(head),
       std::move(recipe), row);
  return row;
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
