#include "widgets/models/flips_model.h"

#include "base/error.h"
#include "base/json.h"
#include "widgets/models/display_text.h"
#include "widgets/theme/numbers.h"

namespace espalier {

namespace {

constexpr char kFlips[] = "flips";

FlipTotals readCounts(const Json& json) {
  FlipTotals counts;
  counts.examples = json_get<int64_t>(json, "examples", kFlips);
  counts.lost = json_get<int64_t>(json, "lost", kFlips);
  counts.gained = json_get<int64_t>(json, "gained", kFlips);
  counts.moved = json_get<int64_t>(json, "moved", kFlips);
  counts.before = json_get<double>(json, "baseline_accuracy", kFlips);
  counts.after = json_get<double>(json, "accuracy", kFlips);
  counts.p = json_get<double>(json, "mcnemar_p", kFlips);
  return counts;
}

std::optional<FlipChange> changeOf(const std::string& kind) {
  if (kind == "lost") return FlipChange::Lost;
  if (kind == "gained") return FlipChange::Gained;
  if (kind == "moved") return FlipChange::Moved;
  return std::nullopt;
}

QString changeText(FlipChange change) {
  switch (change) {
    case FlipChange::Lost:
      return FlipsModel::tr("lost");
    case FlipChange::Gained:
      return FlipsModel::tr("gained");
    case FlipChange::Moved:
      return FlipsModel::tr("moved");
  }
  return {};
}

QString text(const Json& json, const char* key) {
  return QString::fromStdString(json_get_or<std::string>(json, key, "", kFlips));
}

}  // namespace

FlipsReport readFlips(const Json& answer) {
  FlipsReport report;
  report.all = readCounts(answer);
  for (const std::string& label : json_get<std::vector<std::string>>(answer, "labels", kFlips)) {
    report.labels << QString::fromStdString(label);
  }
  report.between = json_get<LabelCounts>(answer, "between", kFlips);
  report.after = json_get<LabelCounts>(answer, "confusion", kFlips);
  for (const Json& row : json_get<Json>(answer, "rows", kFlips)) {
    const std::optional<FlipChange> change = changeOf(json_get<std::string>(row, "kind", kFlips));
    if (!change) continue;
    FlipExample example;
    example.change = *change;
    example.index = json_get<int64_t>(row, "index", kFlips);
    example.text = text(row, "text");
    example.pair = text(row, "pair");
    example.gold = json_get<int>(row, "gold", kFlips);
    example.before = json_get<int>(row, "baseline_answer", kFlips);
    example.after = json_get<int>(row, "answer", kFlips);
    example.beforeProbability = json_get<double>(row, "baseline_probability", kFlips);
    example.afterProbability = json_get<double>(row, "probability", kFlips);
    example.lossChange = json_get<double>(row, "loss", kFlips) - json_get<double>(row, "baseline_loss", kFlips);
    report.examples.push_back(std::move(example));
  }
  for (const Json& item : json_get_or<Json>(answer, "slices", Json::array(), kFlips)) {
    FlipGroup slice;
    slice.by = text(item, "by");
    slice.name = text(item, "name");
    slice.counts = readCounts(item);
    slice.members = json_get<std::set<qint64>>(item, "members", kFlips);
    report.slices.push_back(std::move(slice));
  }
  return report;
}

void FlipsModel::setReport(std::vector<FlipExample> examples, const QStringList& labels) {
  beginResetModel();
  m_examples = std::move(examples);
  m_labels = labels;
  endResetModel();
}

int FlipsModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(m_examples.size());
}

int FlipsModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : NumColumns; }

QString FlipsModel::labelName(int label) const {
  return label >= 0 && label < m_labels.size() ? m_labels[label] : QString::number(label);
}

QVariant FlipsModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || index.row() >= rowCount()) return {};
  const FlipExample& example = at(index.row());
  const QString whole =
      example.pair.isEmpty() ? example.text : QStringLiteral("%1 \u00b7 %2").arg(example.text, example.pair);
  switch (role) {
    case Qt::DisplayRole:
      switch (index.column()) {
        case ChangeColumn:
          return changeText(example.change);
        case TextColumn:
          return whole;
        case GoldColumn:
          return labelName(example.gold);
        case BeforeColumn:
          return QStringLiteral("%1 %2").arg(labelName(example.before), formatFixed(example.beforeProbability, 2));
        case AfterColumn:
          return QStringLiteral("%1 %2").arg(labelName(example.after), formatFixed(example.afterProbability, 2));
        case LossColumn:
          return (example.lossChange > 0 ? QStringLiteral("+") : QString()) + formatFixed(example.lossChange, 2);
        default:
          return {};
      }
    case Qt::ToolTipRole:
      return index.column() == TextColumn ? whole : QVariant();
    case Qt::TextAlignmentRole:
      if (index.column() == LossColumn) return QVariant::fromValue(Qt::Alignment(Qt::AlignRight | Qt::AlignVCenter));
      return {};
    case ExampleRole:
      return example.index;
    case SortRole:
      switch (index.column()) {
        case ChangeColumn:
          return static_cast<int>(example.change);
        case TextColumn:
          return example.index;
        case LossColumn:
          return example.lossChange;
        default:
          return data(index, Qt::DisplayRole);
      }
    default:
      return {};
  }
}

QVariant FlipsModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal) return {};
  if (role == Qt::ToolTipRole) {
    if (section == LossColumn) return tr("Change of -log p of the right label, in nats: positive is worse.");
    if (section == ChangeColumn) return tr("Lost: right before, wrong now. Gained: the other way. Moved: wrong twice.");
    return {};
  }
  if (role == Qt::TextAlignmentRole && section == LossColumn) {
    return QVariant::fromValue(Qt::Alignment(Qt::AlignRight | Qt::AlignVCenter));
  }
  if (role != Qt::DisplayRole) return {};
  static const QStringList kNames = {tr("Change"), tr("Example"), tr("Label"), tr("Before"), tr("After"), tr("Δ loss")};
  return section < kNames.size() ? kNames[section] : QVariant();
}

FlipsFilter::FlipsFilter(FlipsModel* model, QObject* parent) : QSortFilterProxyModel(parent), m_model(model) {
  setSourceModel(model);
  setSortRole(FlipsModel::SortRole);
  sort(FlipsModel::LossColumn, Qt::DescendingOrder);
}

void FlipsFilter::setChange(FlipChange change, bool shown) {
  if (shown) {
    m_changes.insert(change);
  } else {
    m_changes.erase(change);
  }
  invalidateFilter();
}

void FlipsFilter::setMembers(std::optional<std::set<qint64>> members) {
  m_members = std::move(members);
  invalidateFilter();
}

void FlipsFilter::setCell(int gold, int before, int after) {
  m_gold = gold;
  m_before = before;
  m_after = after;
  invalidateFilter();
}

bool FlipsFilter::filterAcceptsRow(int row, const QModelIndex&) const {
  const FlipExample& example = m_model->at(row);
  const auto asked = [](int wanted, int label) { return wanted < 0 || wanted == label; };
  return m_changes.count(example.change) > 0 && (!m_members || m_members->count(example.index) > 0) &&
         asked(m_gold, example.gold) && asked(m_before, example.before) && asked(m_after, example.after);
}

}  // namespace espalier
