#pragma once
#include <QWidget>

#include <vector>

#include "recipe/recipe.h"

class QLabel;
class QLineEdit;
class QToolButton;

namespace espalier {

// Which layers, parts and weights a step may touch; everything when nothing is said.
class ScopeForm : public QWidget {
  Q_OBJECT

 public:
  explicit ScopeForm(QWidget* parent = nullptr);

  // Shows a scope without emitting.
  void setScope(const Scope& scope);
  const Scope& scope() const { return m_scope; }
  // What "Use selection" would take; the button is off, and says why, while nothing is selected.
  void setSelection(int layer, const QString& slot);

 Q_SIGNALS:
  void edited(const espalier::Scope& scope);

 private:
  void announce();

  Scope m_scope;
  int m_selectedLayer = -1;
  QString m_selectedSlot;
  QLineEdit* m_layers;
  QLineEdit* m_slots;
  QLabel* m_problem;
  QToolButton* m_useSelection;
  std::vector<std::pair<std::string, QToolButton*>> m_parts;
};

}  // namespace espalier
