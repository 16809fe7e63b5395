#pragma once
// Energy of inference: from the processor's own counters (RAPL) where they may be read, estimated from its power
// elsewhere. Which it was is part of every figure.

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "measure/cost.h"

namespace espalier {

enum class EnergySource { Rapl, Estimated };
std::string_view to_string(EnergySource source);  // "rapl", "estimated"

// Joules counted by the packages and the memory since some moment in the past. Counters of subdomains (cores, uncore)
// are part of their package's and not added.
class RaplCounters {
 public:
  // Finds the domains below `root` and tries to read them.
  explicit RaplCounters(const std::filesystem::path& root = "/sys/class/powercap");

  bool readable() const { return !domains_.empty(); }
  std::string description() const;  // "package-0, dram"
  // Energy since the last call (since construction at first); counters that wrapped round once are counted on. Call at
  // least once a minute. 0 when not readable.
  double joules_since_last();

 private:
  struct Domain {
    std::string name;
    std::filesystem::path file;
    double last_uj = 0;
    double range_uj = 0;
  };
  std::vector<Domain> domains_;
};

struct PowerAssumption {
  double tdp_watts = 0;  // of the processor; 0: not known, 85 W stand in
  int cores = 1;         // that share it
};

struct Energy {
  double joules = 0;  // one inference of the batch
  EnergySource source = EnergySource::Estimated;
  std::string basis;  // domains counted, or powers assumed
};

// Power of `threads` busy cores times the latency: their share of the thermal design power, or of CodeCarbon's constant
// (85 W) where that is not known.
Energy estimate_energy(const Latency& latency, const PowerAssumption& assumption);

// Runs the engine for about a second and divides what the counters saw by the number of runs; the whole package is
// counted, other programs included. Without readable counters: estimate_energy().
Energy measure_energy(const Engine& engine, const Model& model, const Latency& latency, RaplCounters& counters,
                      const PowerAssumption& assumption, const CancelToken& cancel = {});
// The same of any action.
Energy measure_energy(const std::function<void()>& run, const Latency& latency, RaplCounters& counters,
                      const PowerAssumption& assumption, const CancelToken& cancel = {});

}  // namespace espalier
