#pragma once
// The one recipe being edited. Every edit goes through the undo stack; quick edits of one value become one command.

#include <QObject>
#include <QString>
#include <QUndoStack>

#include <set>
#include <vector>

#include "recipe/recipe.h"
#include "widgets/models/head_list.h"

namespace espalier {

class RecipeDocument : public QObject {
  Q_OBJECT

 public:
  explicit RecipeDocument(QObject* parent = nullptr);

  const Recipe& recipe() const { return m_recipe; }
  QUndoStack* undoStack() { return &m_undoStack; }
  int numSteps() const { return static_cast<int>(m_recipe.steps.size()); }
  int numEnabledSteps() const;

  // What the window has open. Not an edit: it follows the window and is not undone.
  void setTarget(const QString& model, const QString& task, const QString& device);

  // Edits. Rows out of range are ignored.
  int addStep(const QString& method, int row = -1);  // the row it got; -1 appends
  void removeStep(int row);
  void duplicateStep(int row);
  void moveStep(int from, int to);  // `to`: the row it has afterwards
  void setStepEnabled(int row, bool enabled);
  void setSetting(int row, const std::string& key, const Json& value);
  void clearSetting(int row, const std::string& key);  // back to the default
  void setScope(int row, const Scope& scope);
  void setName(const QString& name);
  void setSeed(quint64 seed);
  // Another recipe's steps, name and seed; the target stays.
  void replace(const Recipe& recipe, const QString& what);

  // The explicit lists of the last enabled prune.heads, prune.neurons and prune.layers step; empty without one.
  HeadSet chosenHeads() const;
  HeadSet chosenUnits() const;
  std::set<int> chosenLayers() const;
  // Adds the head to that list or takes it out; makes the step when there is none. The row of the step.
  int toggleHead(int layer, int head);
  // All of these units of a layer: out of the list when it holds them all, else into it.
  int toggleUnits(int layer, const std::set<int>& units);
  int toggleLayer(int layer);

  // Forgets the undo history and takes `recipe` as it is (session restore).
  void load(const Recipe& recipe);

 Q_SIGNALS:
  // Steps, settings, name or target are not what they were.
  void changed();
  // A step that the editor should show: just added, moved or brought back.
  void stepTouched(int row);

 private:
  class Edit;
  void push(const QString& text, Recipe after, int row, const QString& mergeKey = {});
  void apply(const Recipe& recipe, int row);
  bool isRow(int row) const { return row >= 0 && row < numSteps(); }
  int stepOf(const std::string& method) const;
  HeadSet chosenPairs(const std::string& method, const std::string& key) const;
  // The list's value goes into the step's setting, null for an empty list; a step is made at `row` where there is none.
  int setList(const std::string& method, const std::string& key, const Json& list, int row, const QString& text);

  Recipe m_recipe;
  QUndoStack m_undoStack;
};

}  // namespace espalier
