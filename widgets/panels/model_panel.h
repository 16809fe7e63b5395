#pragma once
#include <QWidget>

#include "widgets/models/model_tree_model.h"

class QLineEdit;
class QSortFilterProxyModel;
class QTreeView;

namespace espalier {

class Selection;

// The model as a tree with a search box. Follows and sets the shared selection.
class ModelPanel : public QWidget {
  Q_OBJECT

 public:
  explicit ModelPanel(Selection* selection, QWidget* parent = nullptr);

  void setModel(const OpenedModelPtr& model);
  void focusSearch();
  QTreeView* tree() const { return m_tree; }
  QLineEdit* searchField() const { return m_search; }

 Q_SIGNALS:
  // Double click or Return on a weight.
  void slotOpened(const QString& slot);
  // Without spaces around it.
  void searched(const QString& text);

 private:
  void followSelection();
  void currentChanged(const QModelIndex& index);

  Selection* m_selection;
  ModelTreeModel* m_model;
  QSortFilterProxyModel* m_filter;
  QLineEdit* m_search;
  QTreeView* m_tree;
  bool m_following = false;
};

}  // namespace espalier
