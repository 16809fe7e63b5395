#pragma once
#include "app/workbench/pages/page.h"

class QAction;
class QLabel;
class QSortFilterProxyModel;
class QTreeView;

namespace espalier {

class RunsModel;

// The tree of recipes: every measured step under the one before it, with its numbers and its difference to the
// baseline.
class RunsPage : public Page {
  Q_OBJECT

 public:
  explicit RunsPage(Session* session, QWidget* parent = nullptr);

  void activate() override;
  QTreeView* tree() const { return m_tree; }

 protected:
  bool eventFilter(QObject* object, QEvent* event) override;

 private:
  void refresh();
  void fitColumns();
  void followSelection();
  void updateActions();
  const RunRow* currentRow() const;
  // The steps from the baseline to this row as a recipe.
  void takeAsRecipe();
  void copyTable();

  RunsModel* m_model;
  QSortFilterProxyModel* m_sorted;
  QTreeView* m_tree;
  QLabel* m_detail;
  QAction* m_open;
  QAction* m_take;
  QAction* m_copy;
  bool m_following = false;
};

}  // namespace espalier
