#pragma once
#include <QAbstractListModel>
#include <QPointer>

#include <vector>

#include "recipe/recipe.h"

namespace espalier {

class MethodCatalog;
struct MethodEntry;
class RecipeDocument;

// The steps of a recipe as a list: checked when on, reordered by dragging. Follows the document, edits through it.
class RecipeStepsModel : public QAbstractListModel {
  Q_OBJECT

 public:
  enum Role { MethodRole = Qt::UserRole, SummaryRole, IssueCountRole };

  RecipeStepsModel(RecipeDocument* document, MethodCatalog* catalog, QObject* parent = nullptr);

  // How many faults each step has, by row; shown as a mark.
  void setIssueCounts(std::vector<int> counts);

  int rowCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  bool setData(const QModelIndex& index, const QVariant& value, int role) override;
  Qt::ItemFlags flags(const QModelIndex& index) const override;
  Qt::DropActions supportedDropActions() const override { return Qt::MoveAction; }
  QStringList mimeTypes() const override;
  QMimeData* mimeData(const QModelIndexList& indexes) const override;
  bool dropMimeData(const QMimeData* data, Qt::DropAction action, int row, int column,
                    const QModelIndex& parent) override;

 private:
  void synchronize();

  RecipeDocument* m_document;
  MethodCatalog* m_catalog;
  std::vector<Step> m_steps;
  std::vector<int> m_issueCounts;
};

// The settings that differ from the method's defaults, in short: "share 0.25, epochs 2". Without a method all that are
// given.
QString settingsSummary(const Json& settings, const MethodEntry* method);

}  // namespace espalier
