#include "widgets/models/model_map_time.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "widgets/models/opened_model.h"

namespace espalier {

namespace {

constexpr double kSeconds = 3;  // for the passes that are timed

int scoresCell(const ModelMap& map, const PassPart& part) {
  for (size_t i = 0; i < map.cells.size(); ++i) {
    const MapCell& cell = map.cells[i];
    if (!cell.slot.isEmpty() || cell.layer != part.layer) continue;
    const bool decoder = map.rows[static_cast<size_t>(cell.row)].name.startsWith(QLatin1String("decoder"));
    if (decoder == (part.stack == Stack::Decoder)) return static_cast<int>(i);
  }
  return -1;
}

std::vector<int> cellsOf(const ModelMap& map, const PassPart& part) {
  std::vector<int> cells;
  if (part.kind == PartKind::Attention) {
    cells.push_back(scoresCell(map, part));
  }
  for (const std::string& weight : part.weights) cells.push_back(map.cellOf(QString::fromStdString(weight)));
  std::erase(cells, -1);
  return cells;
}

}  // namespace

MapTimes timesOf(const ModelMap& map, const ModelProfile& profile) {
  MapTimes times;
  times.ms.assign(map.cells.size(), std::numeric_limits<double>::quiet_NaN());
  times.wallMs = profile.wall_ms;
  for (size_t i = 0; i < profile.parts.size(); ++i) {
    const std::vector<int> cells = cellsOf(map, profile.parts[i]);
    double macs = 0;
    for (const int cell : cells) macs += static_cast<double>(map.cells[static_cast<size_t>(cell)].macs);
    for (const int cell : cells) {
      const auto own = static_cast<double>(map.cells[static_cast<size_t>(cell)].macs);
      const double share = macs > 0 ? own / macs : 1 / static_cast<double>(cells.size());
      double& ms = times.ms[static_cast<size_t>(cell)];
      ms = (std::isnan(ms) ? 0 : ms) + share * profile.ms[i];
    }
  }
  times.conditions = QStringLiteral("batch %1, %2 tokens, %3 thread, %4, %5")
                         .arg(profile.options.batch_size)
                         .arg(profile.options.sequence_length)
                         .arg(profile.options.threads)
                         .arg(QString::fromStdString(profile.kernels), QString::fromStdString(kernel_info().cpu_model));
  return times;
}

MapTimes measureMapTimes(const ModelMap& map, const Model& model, const CancelToken& cancel) {
  LatencyOptions options;
  options.sequence_length = std::min<int64_t>(kLedgerTokens, model.architecture.embedding.max_positions);
  options.max_seconds = kSeconds;
  cancel.throw_if_cancelled();
  const Engine engine(model, {.threads = 1});
  return timesOf(map, measure_profile(engine, model, options, cancel));
}

}  // namespace espalier
