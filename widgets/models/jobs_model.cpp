#include "widgets/models/jobs_model.h"

#include "widgets/models/display_text.h"
#include "widgets/theme/numbers.h"

namespace espalier {

JobsModel::JobsModel(JobCenter* center, QObject* parent) : QAbstractTableModel(parent), m_center(center) {
  connect(center, &JobCenter::jobAboutToBeAdded, this, [this](int row) { beginInsertRows({}, row, row); });
  connect(center, &JobCenter::jobAdded, this, [this] { endInsertRows(); });
  connect(center, &JobCenter::jobChanged, this,
          [this](int row) { Q_EMIT dataChanged(index(row, 0), index(row, NumColumns - 1)); });
  connect(center, &JobCenter::jobsAboutToBeReset, this, [this] { beginResetModel(); });
  connect(center, &JobCenter::jobsReset, this, [this] { endResetModel(); });
}

int JobsModel::rowCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : m_center->count(); }

int JobsModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : NumColumns; }

QVariant JobsModel::data(const QModelIndex& index, int role) const {
  if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
  const JobEntry& job = m_center->at(index.row());
  const bool running = job.state == JobState::Running;
  switch (role) {
    case Qt::DisplayRole:
      switch (index.column()) {
        case TitleColumn:
          return job.title;
        case StateColumn:
          return running && !job.progress.stage.empty() && !job.cancelling ? QString::fromStdString(job.progress.stage)
                                                                           : jobStateText(job);
        case ProgressColumn:
          return QStringLiteral("%1 %").arg(static_cast<int>(job.progress.fraction * 100));
        case RateColumn:
          if (!running || job.progress.rate <= 0) return {};
          return tr("%1 %2/s").arg(countText(job.progress.rate), QString::fromStdString(job.progress.unit));
        case LeftColumn:
          return running && job.progress.seconds_left >= 0 ? durationText(job.progress.seconds_left) : QString();
        default:
          return {};
      }
    case Qt::ToolTipRole:
      return job.state == JobState::Failed ? QVariant(QString::fromStdString(job.error.message)) : QVariant();
    case Qt::TextAlignmentRole:
      if (index.column() >= RateColumn) return QVariant::fromValue(Qt::Alignment(Qt::AlignRight | Qt::AlignVCenter));
      return {};
    case FractionRole:
      return job.progress.fraction;
    case JobRole:
      return QVariant::fromValue<qulonglong>(job.id);
    default:
      return {};
  }
}

QVariant JobsModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal) return {};
  if (role == Qt::TextAlignmentRole && section >= RateColumn) {
    return QVariant::fromValue(Qt::Alignment(Qt::AlignRight | Qt::AlignVCenter));
  }
  if (role != Qt::DisplayRole) return {};
  switch (section) {
    case TitleColumn:
      return tr("Job");
    case StateColumn:
      return tr("State");
    case ProgressColumn:
      return tr("Progress");
    case RateColumn:
      return tr("Rate");
    case LeftColumn:
      return tr("Left");
    default:
      return {};
  }
}

}  // namespace espalier
