#pragma once
#include <QAbstractItemModel>

#include "widgets/models/opened_model.h"

namespace espalier {

// The opened model as a tree: layers, their parts, their weights, with parameters, bytes and form.
class ModelTreeModel : public QAbstractItemModel {
  Q_OBJECT

 public:
  enum Column { NameColumn, ParametersColumn, SizeColumn, FormColumn, NumColumns };
  // SearchRole: the name in the tree and the weight's full name.
  enum Role { SlotRole = Qt::UserRole, LayerRole, SortRole, SearchRole };

  explicit ModelTreeModel(QObject* parent = nullptr) : QAbstractItemModel(parent) {}

  // Null empties the tree.
  void setTree(std::shared_ptr<const ModelTreeNode> root);
  // The line of a weight; invalid when there is none.
  QModelIndex indexOfSlot(const QString& slot) const;
  QModelIndex indexOfLayer(int layer) const;
  const ModelTreeNode* node(const QModelIndex& index) const;

  QModelIndex index(int row, int column, const QModelIndex& parent = {}) const override;
  QModelIndex parent(const QModelIndex& child) const override;
  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  const ModelTreeNode* nodeOrRoot(const QModelIndex& index) const;

  std::shared_ptr<const ModelTreeNode> m_root;
};

}  // namespace espalier
