#include "widgets/models/runs_model.h"

#include <QColor>
#include <QIcon>
#include <QPainter>
#include <QPixmap>

#include <cmath>

#include "widgets/models/display_text.h"
#include "widgets/theme/numbers.h"
#include "widgets/theme/series.h"
#include "widgets/theme/theme.h"

namespace espalier {

namespace {

constexpr double kMega = 1e6;
constexpr double kGiga = 1e9;
// Below this the paired test tells a step and its baseline apart.
constexpr double kSignificant = 0.05;

QIcon markerOf(const RunRow& row) {
  constexpr int kSize = 3 * kGrid / 2;
  constexpr int kScale = 2;  // enough for a screen at 200 %
  QPixmap mark(kSize * kScale, kSize * kScale);
  mark.setDevicePixelRatio(kScale);
  mark.fill(Qt::transparent);
  QPainter painter(&mark);
  drawMarker(painter, familyStyle(row.family, Theme::instance().isDark()), {kSize / 2.0, kSize / 2.0}, kSize / 2.0 - 2);
  painter.end();
  QIcon icon(mark);
  // A selected row must not tint the colour that stands for the family.
  icon.addPixmap(mark, QIcon::Selected);
  return icon;
}

// Where each row belongs: under its parent when that is known and the way up ends.
std::map<QString, QString> parentsOf(const std::vector<RunRow>& rows) {
  std::map<QString, QString> given;
  for (const RunRow& row : rows) given[row.hash] = row.parent;
  std::map<QString, QString> parents;
  for (const RunRow& row : rows) {
    auto above = given.find(row.parent);
    const bool known = above != given.end();
    // More steps up than there are rows: a loop in damaged data.
    size_t depth = 0;
    while (above != given.end() && depth++ <= rows.size()) above = given.find(above->second);
    parents[row.hash] = known && above == given.end() ? row.parent : QString();
  }
  return parents;
}

}  // namespace

struct RunsModel::Node {
  RunRow row;
  RunRow baseline;
  Node* parent = nullptr;
  int position = 0;
  std::vector<std::unique_ptr<Node>> children;
};

RunsModel::RunsModel(RunStore* store, QObject* parent)
    : QAbstractItemModel(parent), m_store(store), m_root(std::make_unique<Node>()) {
  connect(store, &RunStore::changed, this, &RunsModel::take);
  take();
}

RunsModel::~RunsModel() = default;

// While a recipe runs a row at a time arrives: what is there keeps its place, its selection and what is open.
void RunsModel::take() {
  const std::vector<RunRow>& rows = m_store->rows();
  m_parents = parentsOf(rows);
  for (const auto& [hash, node] : m_nodes) {
    const auto now = m_parents.find(hash);
    if (now != m_parents.end() && now->second == (node->parent == m_root.get() ? QString() : node->parent->row.hash)) {
      continue;
    }
    beginResetModel();
    m_nodes.clear();
    m_root = std::make_unique<Node>();
    endResetModel();
    break;
  }
  for (const auto& [hash, node] : m_nodes) {
    node->row = *m_store->find(hash);
    const RunRow* baseline = m_store->baselineOf(node->row);
    node->baseline = baseline ? *baseline : RunRow();
    Q_EMIT dataChanged(indexOf(node), indexOf(node, NumColumns - 1));
  }
  for (const RunRow& row : rows) insert(row.hash);
}

// The node of a row, made under its parent's, which is made first.
RunsModel::Node* RunsModel::insert(const QString& hash) {
  if (const auto known = m_nodes.find(hash); known != m_nodes.end()) return known->second;
  const QString& above = m_parents[hash];
  Node* parent = above.isEmpty() ? m_root.get() : insert(above);
  auto node = std::make_unique<Node>();
  node->row = *m_store->find(hash);
  const RunRow* baseline = m_store->baselineOf(node->row);
  if (baseline) node->baseline = *baseline;
  node->parent = parent;
  node->position = static_cast<int>(parent->children.size());
  beginInsertRows(indexOf(parent), node->position, node->position);
  Node* made = node.get();
  parent->children.push_back(std::move(node));
  m_nodes[hash] = made;
  endInsertRows();
  return made;
}

QModelIndex RunsModel::indexOf(const Node* node, int column) const {
  return node == m_root.get() ? QModelIndex() : createIndex(node->position, column, node);
}

const RunRow* RunsModel::row(const QModelIndex& index) const {
  return index.isValid() ? &static_cast<const Node*>(index.constInternalPointer())->row : nullptr;
}

QModelIndex RunsModel::indexOfRun(const QString& hash) const {
  const auto found = m_nodes.find(hash);
  return found == m_nodes.end() ? QModelIndex() : indexOf(found->second);
}

QModelIndex RunsModel::index(int row, int column, const QModelIndex& parent) const {
  if (!hasIndex(row, column, parent)) return {};
  const Node* above = parent.isValid() ? static_cast<const Node*>(parent.constInternalPointer()) : m_root.get();
  return createIndex(row, column, above->children[static_cast<size_t>(row)].get());
}

QModelIndex RunsModel::parent(const QModelIndex& index) const {
  return index.isValid() ? indexOf(static_cast<const Node*>(index.constInternalPointer())->parent) : QModelIndex();
}

int RunsModel::rowCount(const QModelIndex& parent) const {
  // Only the first column has children.
  if (parent.column() > 0) return 0;
  const Node* node = parent.isValid() ? static_cast<const Node*>(parent.constInternalPointer()) : m_root.get();
  return static_cast<int>(node->children.size());
}

int RunsModel::columnCount(const QModelIndex&) const { return NumColumns; }

double RunsModel::number(const Node& node, int column) const {
  const RunRow& row = node.row;
  switch (column) {
    case AccuracyColumn:
      return row.accuracy;
    case DifferenceColumn:
      return row.accuracy - node.baseline.accuracy;
    case PColumn:
      return row.mcnemarP;
    case SizeColumn:
      return row.bytes / kMega;
    case SmallerColumn:
      return node.baseline.bytes / row.bytes;
    case LatencyColumn:
      return row.latency;
    case FasterColumn:
      return row.speedup;
    case MacsColumn:
      return row.macs / kGiga;
    case LoyaltyColumn:
      return row.labelLoyalty * 100;
    default:
      return RunRow::kUnknown;
  }
}

QString RunsModel::display(const Node& node, int column) const {
  const RunRow& row = node.row;
  const double value = number(node, column);
  const auto fixed = [](double number, int decimals) {
    return std::isfinite(number) ? QString::number(number, 'f', decimals) : QString(kUnknownMark);
  };
  switch (column) {
    case NameColumn: {
      const QString method = row.method.isEmpty() ? row.name : row.method;
      return row.lastSettings.isEmpty() ? method : tr("%1 (%2)").arg(method, row.lastSettings);
    }
    case AccuracyColumn:
      if (!std::isfinite(row.accuracyLow)) return fixed(value * 100, 1);
      return QStringLiteral("%1 (%2–%3)")
          .arg(fixed(value * 100, 1), fixed(row.accuracyLow * 100, 1), fixed(row.accuracyHigh * 100, 1));
    case SizeColumn:
    case LatencyColumn:
    case MacsColumn:
      return formatNumber(value);
    default:
      break;
  }
  // The rest compare with the baseline; it is the same as itself.
  if (row.isBaseline()) return {};
  switch (column) {
    case DifferenceColumn:
      return pointsText(value);
    case PColumn:
      return fixed(value, 3);
    case SmallerColumn:
    case FasterColumn:
      return fixed(value, 2);
    case LoyaltyColumn:
      return fixed(value, 1);
    default:
      return {};
  }
}

QVariant RunsModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const Node& node = *static_cast<const Node*>(index.constInternalPointer());
  const RunRow& line = node.row;
  const double difference = number(node, DifferenceColumn);
  // Worse is said only where the paired test can tell the two apart.
  const bool worse = difference < 0 && std::isfinite(line.mcnemarP) && line.mcnemarP < kSignificant;
  switch (role) {
    case Qt::DisplayRole:
      return display(node, index.column());
    case SortRole: {
      if (index.column() == NameColumn) return line.name;
      // What was not measured sorts before everything that was.
      const double value = number(node, index.column());
      return std::isfinite(value) ? value : -1e300;
    }
    case HashRole:
      return line.hash;
    case FullNameRole:
      return line.name;
    case WorseRole:
      return worse;
    case Qt::DecorationRole:
      // The mark that the trade-off plots draw for it.
      return index.column() == NameColumn ? QVariant(markerOf(line)) : QVariant();
    case Qt::ForegroundRole:
      return index.column() == DifferenceColumn && worse ? QVariant(Theme::instance().colors().error) : QVariant();
    case Qt::TextAlignmentRole:
      if (index.column() != NameColumn) return QVariant::fromValue(Qt::Alignment(Qt::AlignRight | Qt::AlignVCenter));
      return {};
    case Qt::ToolTipRole: {
      QStringList lines{line.name};
      if (line.cached) lines << tr("Taken from the workspace, not computed again.");
      if (line.latencyThreads > 0) {
        lines << tr("Latency at batch %1, length %2, %3, %4.")
                     .arg(line.latencyBatch)
                     .arg(line.latencyLength)
                     .arg(countedText(line.latencyThreads, tr("thread"), tr("threads")), line.kernels);
      }
      lines << line.notes << line.warnings;
      return lines.join(QLatin1Char('\n'));
    }
    default:
      return {};
  }
}

QVariant RunsModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || section < 0 || section >= NumColumns) return {};
  if (role == Qt::TextAlignmentRole) {
    return QVariant::fromValue(
        Qt::Alignment((section == NameColumn ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter));
  }
  static const std::pair<QString, QString> kHeaders[NumColumns] = {
      {tr("Run"), tr("The step that made the model; it stands under the step before it.")},
      {tr("Accuracy, %"), tr("Accuracy with its 95 % Wilson interval.")},
      {tr("Δ points"), tr("Accuracy minus the baseline's, in percentage points.")},
      {tr("p"), tr("Two-sided McNemar test against the baseline on the same examples.")},
      {tr("MB"), tr("Size of the bundle in megabytes.")},
      {tr("× smaller"), tr("The baseline's bytes divided by this model's.")},
      {tr("ms"), tr("Median latency of one forward pass on the engine, in milliseconds.")},
      {tr("× as fast"),
       tr("The baseline's latency divided by this model's, both timed in turn. It is the fair comparison: "
          "two latencies in this table were timed at different moments.")},
      {tr("GMACs"), tr("Multiply-accumulates of one sequence of 128 tokens, in thousands of millions.")},
      {tr("Loyalty, %"), tr("Share of examples answered as the baseline answers them.")}};
  if (role == Qt::ToolTipRole) return kHeaders[section].second;
  if (role == Qt::DisplayRole) return kHeaders[section].first;
  return {};
}

}  // namespace espalier
