#include "widgets/models/model_tree_model.h"

#include "widgets/models/display_text.h"
#include "widgets/theme/numbers.h"

namespace espalier {

namespace {

const ModelTreeNode* findSlot(const ModelTreeNode* node, const QString& slot) {
  if (node->slot == slot && !slot.isEmpty()) return node;
  for (const auto& child : node->children) {
    if (const ModelTreeNode* found = findSlot(child.get(), slot)) return found;
  }
  return nullptr;
}

}  // namespace

void ModelTreeModel::setTree(std::shared_ptr<const ModelTreeNode> root) {
  beginResetModel();
  m_root = std::move(root);
  endResetModel();
}

const ModelTreeNode* ModelTreeModel::node(const QModelIndex& index) const {
  return index.isValid() ? static_cast<const ModelTreeNode*>(index.constInternalPointer()) : nullptr;
}

const ModelTreeNode* ModelTreeModel::nodeOrRoot(const QModelIndex& index) const {
  return index.isValid() ? node(index) : m_root.get();
}

QModelIndex ModelTreeModel::indexOfSlot(const QString& slot) const {
  const ModelTreeNode* found = m_root ? findSlot(m_root.get(), slot) : nullptr;
  return found ? createIndex(found->row, 0, found) : QModelIndex();
}

QModelIndex ModelTreeModel::indexOfLayer(int layer) const {
  if (!m_root || layer < 0) return {};
  for (const auto& child : m_root->children) {
    if (child->layer == layer) return createIndex(child->row, 0, child.get());
  }
  return {};
}

QModelIndex ModelTreeModel::index(int row, int column, const QModelIndex& parent) const {
  const ModelTreeNode* above = nodeOrRoot(parent);
  if (!above || row < 0 || column < 0 || column >= NumColumns || row >= static_cast<int>(above->children.size())) {
    return {};
  }
  return createIndex(row, column, above->children[static_cast<size_t>(row)].get());
}

QModelIndex ModelTreeModel::parent(const QModelIndex& child) const {
  const ModelTreeNode* below = node(child);
  if (!below || !below->parent || below->parent == m_root.get()) return {};
  return createIndex(below->parent->row, 0, below->parent);
}

int ModelTreeModel::rowCount(const QModelIndex& parent) const {
  if (parent.column() > 0) return 0;
  const ModelTreeNode* above = nodeOrRoot(parent);
  return above ? static_cast<int>(above->children.size()) : 0;
}

int ModelTreeModel::columnCount(const QModelIndex&) const { return NumColumns; }

QVariant ModelTreeModel::data(const QModelIndex& index, int role) const {
  const ModelTreeNode* line = node(index);
  if (!line) return {};
  switch (role) {
    case Qt::DisplayRole:
      switch (index.column()) {
        case NameColumn:
          return line->name;
        case ParametersColumn:
          return countText(static_cast<double>(line->parameters));
        case SizeColumn:
          return formatBytes(static_cast<double>(line->bytes));
        case FormColumn:
          return line->form;
        default:
          return {};
      }
    case SortRole:
      switch (index.column()) {
        case ParametersColumn:
          return QVariant::fromValue<qlonglong>(line->parameters);
        case SizeColumn:
          return QVariant::fromValue<qlonglong>(line->bytes);
        case FormColumn:
          return line->form;
        default:
          return line->name;
      }
    case Qt::TextAlignmentRole:
      if (index.column() == ParametersColumn || index.column() == SizeColumn) {
        return QVariant::fromValue(Qt::Alignment(Qt::AlignRight | Qt::AlignVCenter));
      }
      return {};
    case Qt::ToolTipRole:
      if (line->slot.isEmpty()) return {};
      return line->sharedWith.isEmpty()
                 ? tr("%1, %2").arg(line->slot, shapeText(line->shape))
                 : tr("%1, %2, the same weight as %3").arg(line->slot, shapeText(line->shape), line->sharedWith);
    case SearchRole:
      return QString(line->name + QLatin1Char(' ') + line->slot);
    case SlotRole:
      return line->slot;
    case LayerRole:
      return line->layer;
    default:
      return {};
  }
}

QVariant ModelTreeModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal) return {};
  if (role == Qt::TextAlignmentRole && (section == ParametersColumn || section == SizeColumn)) {
    return QVariant::fromValue(Qt::Alignment(Qt::AlignRight | Qt::AlignVCenter));
  }
  if (role != Qt::DisplayRole) return {};
  switch (section) {
    case NameColumn:
      return tr("Name");
    case ParametersColumn:
      return tr("Parameters");
    case SizeColumn:
      return tr("Size");
    case FormColumn:
      return tr("Form");
    default:
      return {};
  }
}

}  // namespace espalier
