#include "widgets/models/model_map.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "measure/cost.h"
#include "widgets/models/opened_model.h"

namespace espalier {

namespace {

QString rowName(const Slot& slot) {
  const QString name = QString::fromStdString(slot.name);
  if (!slot.layer) return name.section(QLatin1Char('.'), 0, 0).replace(QLatin1Char('_'), QLatin1Char(' '));
  const QString stack = slot.stack == Stack::Decoder ? QStringLiteral("decoder ") : QString();
  return stack + QStringLiteral("layer %1").arg(slot.layer->value);
}

// "attention.q_proj" of "encoder.3.attention.q_proj.weight", "word" of "embeddings.word.weight".
QString modulePath(const Slot& slot) {
  return QString::fromStdString(slot.name).section(QLatin1Char('.'), slot.layer ? 2 : 1, -2);
}

class MapBuilder {
 public:
  explicit MapBuilder(const Model& model) : m_model(model) {}

  ModelMap build() {
    for (const Slot& slot : slots_of(m_model.architecture)) {
      if (m_model.weights.contains(slot.name)) add(slot);
    }
    addScores();
    for (MapCell& cell : m_map.cells) {
      const int64_t values = m_values[static_cast<size_t>(&cell - m_map.cells.data())];
      cell.bits = values > 0 ? 8.0 * static_cast<double>(cell.bytes) / static_cast<double>(values) : 0;
    }
    markGroups();
    std::stable_sort(m_map.cells.begin(), m_map.cells.end(), [](const MapCell& a, const MapCell& b) {
      return std::pair(a.row, a.column) < std::pair(b.row, b.column);
    });
    for (size_t i = 0; i < m_map.cells.size(); ++i) {
      const int group = m_map.cells[i].group;
      if (group >= 0) m_map.groups[static_cast<size_t>(group)].push_back(static_cast<int>(i));
    }
    return std::move(m_map);
  }

 private:
  int rowFor(const QString& name, int layer, bool inStack) {
    for (size_t i = 0; i < m_map.rows.size(); ++i) {
      if (m_map.rows[i].name == name) return static_cast<int>(i);
    }
    m_map.rows.push_back({name, layer, inStack});
    return static_cast<int>(m_map.rows.size()) - 1;
  }

  int columnFor(const QString& path, const QString& part) {
    const auto known = m_columns.find(path);
    if (known != m_columns.end()) return known->second;
    m_map.columns.push_back({path.contains(QLatin1Char('.')) ? path.section(QLatin1Char('.'), 1) : path, part});
    const int column = static_cast<int>(m_map.columns.size()) - 1;
    m_columns[path] = column;
    return column;
  }

  MapCell& cellFor(const Slot& slot) {
    const QString path = modulePath(slot);
    const QString row = rowName(slot);
    const auto [found, isNew] = m_cells.try_emplace(row + QLatin1Char('/') + path, m_map.cells.size());
    if (!isNew) return m_map.cells[found->second];
    MapCell cell;
    cell.row = rowFor(row, slot.layer ? slot.layer->value : -1, slot.layer.has_value());
    cell.layer = slot.layer ? slot.layer->value : -1;
    cell.part = slot.layer ? path.section(QLatin1Char('.'), 0, 0) : row;
    cell.column = slot.layer ? columnFor(path, cell.part) : m_outside[cell.row]++;
    cell.name = slot.layer && path.contains(QLatin1Char('.')) ? path.section(QLatin1Char('.'), 1) : path;
    m_map.cells.push_back(std::move(cell));
    m_values.push_back(0);
    return m_map.cells.back();
  }

  void add(const Slot& slot) {
    MapCell& cell = cellFor(slot);
    const Weight& weight = m_model.weight(slot.name);
    const QString name = QString::fromStdString(slot.name);
    cell.slots << name;
    if (cell.slot.isEmpty()) {
      cell.slot = name;
      cell.form = QString::fromStdString(describe(weight));
    }
    cell.parameters += num_parameters(weight);
    cell.bytes += stored_bytes(weight);
    cell.macs += slot_macs(m_model, slot, kMapTokens);
    m_values[static_cast<size_t>(&cell - m_map.cells.data())] += num_elements(slot.shape);
  }

  // Attention itself: a cell before what reads it in every layer.
  void addScores() {
    int column = -1;
    for (size_t i = 0; i < m_map.columns.size(); ++i) {
      const MapColumn& shown = m_map.columns[i];
      if (shown.part == QLatin1String("attention") && shown.name == QLatin1String("out_proj"))
        column = static_cast<int>(i);
    }
    if (column < 0) return;
    m_map.columns.insert(m_map.columns.begin() + column, {QStringLiteral("scores"), QStringLiteral("attention")});
    for (MapCell& cell : m_map.cells) {
      if (m_map.rows[static_cast<size_t>(cell.row)].inStack && cell.column >= column) ++cell.column;
    }
    for (size_t row = 0; row < m_map.rows.size(); ++row) {
      const MapRow& line = m_map.rows[row];
      if (!line.inStack) continue;
      const Stack stack = line.name.startsWith(QLatin1String("decoder")) ? Stack::Decoder : Stack::Encoder;
      const LayerSpec& spec = layer_specs(m_model.architecture, stack)[static_cast<size_t>(line.layer)];
      MapCell cell;
      cell.name = QStringLiteral("scores");
      cell.part = QStringLiteral("attention");
      cell.row = static_cast<int>(row);
      cell.column = column;
      cell.layer = line.layer;
      cell.macs = score_macs(spec.attention, kMapTokens, kMapTokens);
      if (spec.cross) cell.macs += score_macs(*spec.cross, kMapTokens, kMapTokens);
      if (cell.macs == 0) continue;
      m_map.cells.push_back(std::move(cell));
      m_values.push_back(0);
    }
  }

  void markGroups() {
    std::map<WeightHandle, std::vector<size_t>> places;
    for (size_t i = 0; i < m_map.cells.size(); ++i) {
      if (m_map.cells[i].slot.isEmpty()) continue;
      places[m_model.weights.handle(m_map.cells[i].slot.toStdString())].push_back(i);
    }
    // By the first cell, so that numbers run with the layers.
    std::map<size_t, std::vector<size_t>> shared;
    for (auto& [handle, cells] : places) {
      if (cells.size() > 1) shared[cells.front()] = std::move(cells);
    }
    int group = 0;
    for (const auto& [first, cells] : shared) {
      for (const size_t cell : cells) {
        m_map.cells[cell].group = group;
        m_map.cells[cell].first = cell == first;
      }
      ++group;
    }
    m_map.groups.resize(static_cast<size_t>(group));
  }

  static constexpr int64_t kMapTokens = kLedgerTokens;

  const Model& m_model;
  ModelMap m_map;
  std::map<QString, size_t> m_cells;  // by row and module
  std::map<QString, int> m_columns;   // by module
  std::map<int, int> m_outside;       // cells so far in a row outside the stack
  std::vector<int64_t> m_values;      // logical values of a cell
};

}  // namespace

int ModelMap::cellOf(const QString& slot) const {
  if (slot.isEmpty()) return -1;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (cells[i].slots.contains(slot)) return static_cast<int>(i);
  }
  return -1;
}

ModelMap buildModelMap(const Model& model) { return MapBuilder(model).build(); }

std::vector<double> mapSparsity(const ModelMap& map, const Model& model, const CancelToken& cancel) {
  std::vector<double> shares;
  std::map<WeightHandle, double> known;
  for (const MapCell& cell : map.cells) {
    double zeros = 0, values = 0;
    for (const QString& slot : cell.slots) {
      cancel.throw_if_cancelled();
      const WeightHandle handle = model.weights.handle(slot.toStdString());
      const Weight& weight = model.weights.at(handle);
      const auto [found, isNew] = known.try_emplace(handle, 0);
      if (isNew) found->second = sparsity_of(weight);
      const auto count = static_cast<double>(num_elements(shape_of(weight)));
      zeros += found->second * count;
      values += count;
    }
    shares.push_back(values > 0 ? zeros / values : std::numeric_limits<double>::quiet_NaN());
  }
  return shares;
}

}  // namespace espalier
