#pragma once
#include <QAbstractTableModel>

#include "widgets/models/run_store.h"

namespace espalier {

// The measured steps as a table, each with its difference to the baseline. SortRole gives plain numbers.
class RunsModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column {
    NameColumn,
    StepsColumn,
    AccuracyColumn,
    DifferenceColumn,
    PColumn,
    SizeColumn,
    MacsColumn,
    LatencyColumn,
    LoyaltyColumn,
    NumColumns
  };
  enum Role { HashRole = Qt::UserRole, SortRole, WorseRole };

  explicit RunsModel(RunStore* store, QObject* parent = nullptr);

  const RunRow* row(const QModelIndex& index) const;
  QModelIndex indexOfRun(const QString& hash) const;

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  QString display(const RunRow& row, int column) const;
  QVariant sortValue(const RunRow& row, int column) const;

  RunStore* m_store;
  std::vector<RunRow> m_rows;
  RunRow m_baseline;
};

}  // namespace espalier
