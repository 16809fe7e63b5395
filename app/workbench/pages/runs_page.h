#pragma once
#include "app/workbench/pages/page.h"

class QAction;
class QLabel;
class QSortFilterProxyModel;
class QTableView;

namespace espalier {

class RunsModel;

// Every measured step as a row, with its difference to the baseline.
class RunsPage : public Page {
  Q_OBJECT

 public:
  explicit RunsPage(Session* session, QWidget* parent = nullptr);

  void activate() override;
  QTableView* table() const { return m_table; }

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
  QTableView* m_table;
  QLabel* m_detail;
  QAction* m_open;
  QAction* m_take;
  QAction* m_copy;
  bool m_following = false;
};

}  // namespace espalier
