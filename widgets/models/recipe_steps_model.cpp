#include "widgets/models/recipe_steps_model.h"

#include <QMimeData>
#include <QStringList>

#include <algorithm>

#include "base/json.h"
#include "widgets/models/display_text.h"
#include "widgets/models/head_list.h"
#include "widgets/models/method_catalog.h"
#include "widgets/models/recipe_document.h"

namespace espalier {

namespace {

// More would not be read in a line.
constexpr size_t kMostListed = 12;
const QString kRowMime = QStringLiteral("application/x-espalier-step");

QString valueText(const Json& value) {
  if (value.is_boolean()) return value.get<bool>() ? QStringLiteral("yes") : QStringLiteral("no");
  // As a person would write the setting: "0.25", not a measured "0.250".
  if (value.is_number_float()) return QString::number(value.get<double>(), 'g', 4);
  if (value.is_string()) return QString::fromStdString(value.get<std::string>());
  if (value.is_array()) {
    const HeadSet heads = headsFromJson(value);
    if (heads.size() > kMostListed) return QObject::tr("(%1 listed)").arg(heads.size());
    if (!heads.empty()) return headsToText(heads);
  }
  return QString::fromStdString(value.dump());
}

}  // namespace

QString settingsSummary(const Json& settings, const MethodEntry* method) {
  if (!settings.is_object()) return {};
  QStringList parts;
  for (const auto& [key, value] : settings.items()) {
    if (value.is_array() && value.empty()) continue;
    const auto isDefault = [&, name = key, given = value](const Setting& setting) {
      return setting.key == name && *setting.default_value == given;
    };
    if (method && std::any_of(method->settings.begin(), method->settings.end(), isDefault)) continue;
    parts << QString::fromStdString(key) + QLatin1Char(' ') + valueText(value);
  }
  return parts.join(QStringLiteral(", ")).replace(QLatin1Char('_'), QLatin1Char(' '));
}

RecipeStepsModel::RecipeStepsModel(RecipeDocument* document, MethodCatalog* catalog, QObject* parent)
    : QAbstractListModel(parent), m_document(document), m_catalog(catalog), m_steps(document->recipe().steps) {
  connect(document, &RecipeDocument::changed, this, &RecipeStepsModel::synchronize);
  connect(catalog, &MethodCatalog::changed, this, [this] {
    if (!m_steps.empty()) Q_EMIT dataChanged(index(0), index(rowCount() - 1));
  });
}

void RecipeStepsModel::setIssueCounts(std::vector<int> counts) {
  if (counts == m_issueCounts) return;
  m_issueCounts = std::move(counts);
  if (!m_steps.empty()) Q_EMIT dataChanged(index(0), index(rowCount() - 1));
}

void RecipeStepsModel::synchronize() {
  const std::vector<Step>& now = m_document->recipe().steps;
  if (now == m_steps) return;
  // What is alike at both ends stays, so that a view keeps its place.
  size_t head = 0;
  const size_t shorter = std::min(now.size(), m_steps.size());
  while (head < shorter && now[head] == m_steps[head]) ++head;
  size_t tail = 0;
  while (tail < shorter - head && now[now.size() - 1 - tail] == m_steps[m_steps.size() - 1 - tail]) ++tail;

  const size_t removed = m_steps.size() - head - tail;
  const size_t inserted = now.size() - head - tail;
  if (removed == inserted) {
    m_steps = now;
    Q_EMIT dataChanged(index(static_cast<int>(head)), index(static_cast<int>(head + inserted - 1)));
    return;
  }
  if (removed > 0) {
    beginRemoveRows({}, static_cast<int>(head), static_cast<int>(head + removed - 1));
    m_steps.erase(m_steps.begin() + static_cast<std::ptrdiff_t>(head),
                  m_steps.begin() + static_cast<std::ptrdiff_t>(head + removed));
    endRemoveRows();
  }
  if (inserted > 0) {
    beginInsertRows({}, static_cast<int>(head), static_cast<int>(head + inserted - 1));
    m_steps = now;
    endInsertRows();
  }
}

int RecipeStepsModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(m_steps.size());
}

QVariant RecipeStepsModel::data(const QModelIndex& index, int role) const {
  if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
  const auto row = static_cast<size_t>(index.row());
  const Step& step = m_steps[row];
  const QString id = QString::fromStdString(step.method);
  const int issues = row < m_issueCounts.size() ? m_issueCounts[row] : 0;
  switch (role) {
    case Qt::DisplayRole:
      return id;
    case Qt::CheckStateRole:
      return static_cast<int>(step.enabled ? Qt::Checked : Qt::Unchecked);
    case MethodRole:
      return id;
    case SummaryRole:
      return settingsSummary(step.settings, m_catalog->find(id));
    case IssueCountRole:
      return issues;
    case Qt::ToolTipRole: {
      if (issues > 0)
        return tr("%1 in this step, marked in its form.").arg(countedText(issues, tr("fault"), tr("faults")));
      const MethodEntry* entry = m_catalog->find(id);
      return entry ? entry->title + QLatin1Char('\n') + entry->summary : QVariant();
    }
    case Qt::AccessibleTextRole:
      return tr("Step %1, %2, %3").arg(row + 1).arg(id, step.enabled ? tr("on") : tr("off"));
    default:
      return {};
  }
}

bool RecipeStepsModel::setData(const QModelIndex& index, const QVariant& value, int role) {
  if (role != Qt::CheckStateRole || !checkIndex(index, CheckIndexOption::IndexIsValid)) return false;
  m_document->setStepEnabled(index.row(), value.toInt() == Qt::Checked);
  return true;
}

Qt::ItemFlags RecipeStepsModel::flags(const QModelIndex& index) const {
  if (!index.isValid()) return Qt::ItemIsDropEnabled;
  return Qt::ItemIsEnabled | Qt::ItemIsSelectable | Qt::ItemIsUserCheckable | Qt::ItemIsDragEnabled |
         Qt::ItemNeverHasChildren;
}

QStringList RecipeStepsModel::mimeTypes() const { return {kRowMime}; }

QMimeData* RecipeStepsModel::mimeData(const QModelIndexList& indexes) const {
  if (indexes.isEmpty()) return nullptr;
  auto* data = new QMimeData;
  data->setData(kRowMime, QByteArray::number(indexes.first().row()));
  return data;
}

bool RecipeStepsModel::dropMimeData(const QMimeData* data, Qt::DropAction action, int row, int, const QModelIndex&) {
  if (action != Qt::MoveAction || !data->hasFormat(kRowMime)) return false;
  const int from = data->data(kRowMime).toInt();
  int to = row < 0 ? rowCount() : row;
  if (from < to) --to;
  m_document->moveStep(from, to);
  // False: the document has moved the row, the view must not remove it as well.
  return false;
}

}  // namespace espalier
