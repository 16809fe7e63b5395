#pragma once
#include <QAbstractTableModel>

#include "widgets/models/job_center.h"

namespace espalier {

// The listed jobs: title, state, progress, rate, time left.
class JobsModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column { TitleColumn, StateColumn, ProgressColumn, RateColumn, LeftColumn, NumColumns };
  enum Role { FractionRole = Qt::UserRole, JobRole };

  explicit JobsModel(JobCenter* center, QObject* parent = nullptr);

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  JobCenter* m_center;
};

}  // namespace espalier
