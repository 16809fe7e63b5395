#pragma once
#include <QAbstractItemModel>

#include <map>
#include <memory>

#include "widgets/models/run_store.h"

namespace espalier {

// The measured steps as a tree: a step stands under the step whose model it changed, the baseline at the root, so that
// recipes that begin alike share their beginning. Each has its numbers and its difference to its baseline. SortRole
// gives plain numbers. A step whose parent is not known stands at the root.
class RunsModel : public QAbstractItemModel {
  Q_OBJECT

 public:
  enum Column {
    NameColumn,
    AccuracyColumn,
    DifferenceColumn,
    PColumn,
    SizeColumn,
    SmallerColumn,
    LatencyColumn,
    FasterColumn,
    MacsColumn,
    LoyaltyColumn,
    NumColumns
  };
  // FullNameRole: the whole chain of steps, which the place in the tree says on screen.
  enum Role { HashRole = Qt::UserRole, SortRole, WorseRole, FullNameRole };

  explicit RunsModel(RunStore* store, QObject* parent = nullptr);
  ~RunsModel() override;

  const RunRow* row(const QModelIndex& index) const;
  QModelIndex indexOfRun(const QString& hash) const;

  QModelIndex index(int row, int column, const QModelIndex& parent = {}) const override;
  QModelIndex parent(const QModelIndex& index) const override;
  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  struct Node;

  void take();
  Node* insert(const QString& hash);
  QModelIndex indexOf(const Node* node, int column = 0) const;
  QString display(const Node& node, int column) const;
  double number(const Node& node, int column) const;

  RunStore* m_store;
  std::unique_ptr<Node> m_root;
  std::map<QString, Node*> m_nodes;      // by hash
  std::map<QString, QString> m_parents;  // where each hash belongs now; empty: the root
};

}  // namespace espalier
