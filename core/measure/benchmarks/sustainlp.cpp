#include "measure/benchmarks/sustainlp.h"

#include <algorithm>
#include <tuple>

#include "base/error.h"
#include "base/json.h"
#include "measure/carbon.h"

namespace espalier {

std::vector<RankedEntry> rank_by_energy(std::vector<EnergyEntry> entries, double floor_percent) {
  std::erase_if(entries, [&](const EnergyEntry& entry) { return entry.score < floor_percent; });
  std::ranges::sort(entries, [](const EnergyEntry& a, const EnergyEntry& b) {
    return std::tie(a.energy_kwh, a.name) < std::tie(b.energy_kwh, b.name);
  });
  std::vector<RankedEntry> ranked;
  for (EnergyEntry& entry : entries) {
    const bool tied = !ranked.empty() && ranked.back().entry.energy_kwh == entry.energy_kwh;
    ranked.push_back({tied ? ranked.back().rank : static_cast<int>(ranked.size()) + 1, std::move(entry)});
  }
  return ranked;
}

EnergyEntry read_energy_entry(const std::filesystem::path& file) {
  const std::string where = file.string();
  const Json json = read_json_file(file);
  EnergyEntry entry;
  entry.name = json_get_or(json, "name", file.stem().string(), where);
  entry.score = json_get<double>(json, "score", where);
  entry.energy_kwh = json.is_object() && json.contains("energy_j")
                         ? kwh_from_joules(json_get<double>(json, "energy_j", where))
                         : json_get<double>(json, "energy_kwh", where);
  if (!(entry.energy_kwh > 0)) {
    throw Error(ErrorKind::InvalidInput, {.what = "an entry has no energy",
                                          .where = where,
                                          .got = std::to_string(entry.energy_kwh) + " kWh",
                                          .wanted = "above 0",
                                          .next = {}});
  }
  return entry;
}

}  // namespace espalier
