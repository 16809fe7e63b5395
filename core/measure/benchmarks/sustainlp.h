#pragma once
// SustaiNLP 2020 (Wang and Wolf): SuperGLUE inference ranked by the energy that it takes.

#include <filesystem>
#include <string>
#include <vector>

namespace espalier {

struct EnergyEntry {
  std::string name;
  double score = 0;       // SuperGLUE average, percent
  double energy_kwh = 0;  // of inference over the test sets of all tasks
};

struct RankedEntry {
  int rank = 1;  // entries of equal energy share one
  EnergyEntry entry;
};
// The entries that reach the floor (percent), least energy first. Above the floor the score counts for nothing.
std::vector<RankedEntry> rank_by_energy(std::vector<EnergyEntry> entries, double floor_percent);

// {"name", "score", "energy_kwh" or "energy_j"}.
EnergyEntry read_energy_entry(const std::filesystem::path& file);

}  // namespace espalier
