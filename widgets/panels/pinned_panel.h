#pragma once
#include <QWidget>

#include <vector>

#include "widgets/models/selection.h"

class QListWidget;
class QStackedWidget;

namespace espalier {

class EmptyState;
class Figure;

// Pictures of views put aside to compare with others, side by side. Each remembers what was selected: a double click or
// Return brings that back.
class PinnedPanel : public QWidget {
  Q_OBJECT

 public:
  explicit PinnedPanel(QWidget* parent = nullptr);

  void pin(const Figure& figure, const QString& page, const SelectionState& selection);
  int count() const { return static_cast<int>(m_states.size()); }
  QListWidget* list() const { return m_list; }

 Q_SIGNALS:
  void openAsked(const espalier::SelectionState& selection);

 private:
  void removeCurrent();
  void resizePictures();
  bool eventFilter(QObject* object, QEvent* event) override;

  QStackedWidget* m_stack;
  EmptyState* m_empty;
  QListWidget* m_list;
  std::vector<SelectionState> m_states;  // in the order of the list
};

}  // namespace espalier
