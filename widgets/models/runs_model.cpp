#include "widgets/models/runs_model.h"

#include <QColor>

#include <cmath>

#include "widgets/models/display_text.h"
#include "widgets/theme/numbers.h"
#include "widgets/theme/theme.h"

namespace espalier {

namespace {
constexpr double kMega = 1e6;
constexpr double kGiga = 1e9;
}  // namespace

RunsModel::RunsModel(RunStore* store, QObject* parent) : QAbstractTableModel(parent), m_store(store) {
  const auto take = [this] {
    const std::vector<RunRow>& rows = m_store->rows();
    const RunRow* baseline = m_store->baseline();
    // While a recipe runs a row at a time arrives at the end: what is there keeps its place and selection.
    bool grown = rows.size() >= m_rows.size();
    for (size_t i = 0; grown && i < m_rows.size(); ++i) grown = rows[i].hash == m_rows[i].hash;
    if (!grown) {
      beginResetModel();
      m_rows = rows;
      m_baseline = baseline ? *baseline : RunRow();
      endResetModel();
      return;
    }
    const int before = static_cast<int>(m_rows.size());
    const int after = static_cast<int>(rows.size());
    if (after > before) beginInsertRows({}, before, after - 1);
    m_rows = rows;
    m_baseline = baseline ? *baseline : RunRow();
    if (after > before) endInsertRows();
    if (before > 0) Q_EMIT dataChanged(index(0, 0), index(before - 1, NumColumns - 1));
  };
  connect(store, &RunStore::changed, this, take);
  take();
}

const RunRow* RunsModel::row(const QModelIndex& index) const {
  return index.isValid() && index.row() < static_cast<int>(m_rows.size()) ? &m_rows[static_cast<size_t>(index.row())]
                                                                          : nullptr;
}

QModelIndex RunsModel::indexOfRun(const QString& hash) const {
  for (size_t i = 0; i < m_rows.size(); ++i) {
    if (m_rows[i].hash == hash) return index(static_cast<int>(i), 0);
  }
  return {};
}

int RunsModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

int RunsModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : NumColumns; }

QString RunsModel::display(const RunRow& row, int column) const {
  const auto fixed = [](double value, int decimals) {
    return std::isfinite(value) ? QString::number(value, 'f', decimals) : QString(kUnknownMark);
  };
  switch (column) {
    case NameColumn:
      return row.lastSettings.isEmpty() ? row.shortName : tr("%1 (%2)").arg(row.shortName, row.lastSettings);
    case StepsColumn:
      return QString::number(row.step);
    case AccuracyColumn:
      if (!std::isfinite(row.accuracyLow)) return fixed(row.accuracy * 100, 1);
      return QStringLiteral("%1 (%2–%3)")
          .arg(fixed(row.accuracy * 100, 1), fixed(row.accuracyLow * 100, 1), fixed(row.accuracyHigh * 100, 1));
    case DifferenceColumn:
      return row.isBaseline() ? QString() : pointsText(row.accuracy - m_baseline.accuracy);
    case PColumn:
      return row.isBaseline() ? QString() : fixed(row.mcnemarP, 3);
    case SizeColumn:
      return formatNumber(row.bytes / kMega);
    case MacsColumn:
      return formatNumber(row.macs / kGiga);
    case LatencyColumn:
      return formatNumber(row.latency);
    case LoyaltyColumn:
      return row.isBaseline() ? QString() : fixed(row.labelLoyalty * 100, 1);
    default:
      return {};
  }
}

QVariant RunsModel::sortValue(const RunRow& row, int column) const {
  // What was not measured sorts before everything that was.
  const auto known = [](double value) { return std::isfinite(value) ? value : -1e300; };
  switch (column) {
    case NameColumn:
      return row.name;
    case StepsColumn:
      return row.step;
    case AccuracyColumn:
      return known(row.accuracy);
    case DifferenceColumn:
      return known(row.accuracy - m_baseline.accuracy);
    case PColumn:
      return known(row.mcnemarP);
    case SizeColumn:
      return known(row.bytes);
    case MacsColumn:
      return known(row.macs);
    case LatencyColumn:
      return known(row.latency);
    case LoyaltyColumn:
      return known(row.labelLoyalty);
    default:
      return {};
  }
}

QVariant RunsModel::data(const QModelIndex& index, int role) const {
  const RunRow* line = row(index);
  if (!line) return {};
  const double difference = line->accuracy - m_baseline.accuracy;
  // Worse is said only where the paired test can tell the two apart.
  const bool worse = difference < 0 && std::isfinite(line->mcnemarP) && line->mcnemarP < 0.05;
  switch (role) {
    case Qt::DisplayRole:
      return display(*line, index.column());
    case SortRole:
      return sortValue(*line, index.column());
    case HashRole:
      return line->hash;
    case WorseRole:
      return worse;
    case Qt::ForegroundRole:
      return index.column() == DifferenceColumn && worse ? QVariant(Theme::instance().colors().error) : QVariant();
    case Qt::TextAlignmentRole:
      if (index.column() != NameColumn) return QVariant::fromValue(Qt::Alignment(Qt::AlignRight | Qt::AlignVCenter));
      return {};
    case Qt::ToolTipRole: {
      QStringList lines{line->name};
      if (line->cached) lines << tr("Taken from the workspace, not computed again.");
      if (line->latencyThreads > 0) {
        lines << tr("Latency at batch %1, length %2, %3, %4.")
                     .arg(line->latencyBatch)
                     .arg(line->latencyLength)
                     .arg(countedText(line->latencyThreads, tr("thread"), tr("threads")), line->kernels);
      }
      lines << line->notes << line->warnings;
      return lines.join(QLatin1Char('\n'));
    }
    default:
      return {};
  }
}

QVariant RunsModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal) return {};
  if (role == Qt::TextAlignmentRole) {
    return QVariant::fromValue(
        Qt::Alignment((section == NameColumn ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter));
  }
  if (role == Qt::ToolTipRole) {
    switch (section) {
      case AccuracyColumn:
        return tr("Accuracy with its 95 % Wilson interval.");
      case SizeColumn:
        return tr("Size of the bundle in megabytes.");
      case DifferenceColumn:
        return tr("Accuracy minus the baseline's, in percentage points.");
      case PColumn:
        return tr("Two-sided McNemar test against the baseline on the same examples.");
      case MacsColumn:
        return tr("Multiply-accumulates of one sequence of 128 tokens, in thousands of millions.");
      case LatencyColumn:
        return tr("Median latency of one forward pass on the engine, in milliseconds.");
      case LoyaltyColumn:
        return tr("Share of examples answered as the baseline answers them.");
      default:
        return {};
    }
  }
  if (role != Qt::DisplayRole) return {};
  switch (section) {
    case NameColumn:
      return tr("Run");
    case StepsColumn:
      return tr("Steps");
    case AccuracyColumn:
      return tr("Accuracy, %");
    case DifferenceColumn:
      return tr("Δ points");
    case PColumn:
      return tr("p");
    case SizeColumn:
      return tr("MB");
    case MacsColumn:
      return tr("GMACs");
    case LatencyColumn:
      return tr("ms");
    case LoyaltyColumn:
      return tr("Loyalty, %");
    default:
      return {};
  }
}

}  // namespace espalier
