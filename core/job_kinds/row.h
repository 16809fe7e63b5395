#pragma once
// One row of the ledger: what a model is worth and what it costs, as the JSON of job_kinds.h.

#include <memory>
#include <string>
#include <vector>

#include "job_kinds/inputs.h"
#include "measure/carbon.h"
#include "measure/cost.h"
#include "measure/energy.h"
#include "network/runtime.h"

namespace espalier {

// Which members of a row are wanted.
struct Measures {
  bool quality = true, size = true, macs = true, latency = true, energy = true, loyalty = true;
};
// From the names of a recipe; none means all. InvalidInput naming an unknown one.
Measures measures_from(const std::vector<std::string>& names);

// Batch 1, one thread, 128 tokens or as many as the model takes; behind them 32 new ones of a model with a decoder.
LatencyOptions row_latency_options(const Model& model);

// What the latency of rows is compared with.
struct Reference {
  Model model;
  std::unique_ptr<Runtime> runtime;  // one thread; empty when no latency is wanted
};

// What energy is worked out under.
struct EnergyConditions {
  PowerAssumption power;  // where the counters cannot be read
  GridIntensity grid;
};
// "tdp_watts" (0: not known), "region" ("world"), "g_per_kwh" (over the region's). InvalidInput for negative figures.
EnergyConditions energy_conditions(const Json& settings);

// Sizes and multiply-accumulates.
void add_costs(Json& row, const Model& model, int64_t bytes, const Measures& wanted);

// Latency; with a reference both are timed in turn, and "speedup" is the ratio of that pair.
void add_latency(Json& row, const Model& model, const Reference* reference, const std::optional<Placement>& libtorch,
                 const CancelToken& cancel);

// Energy and CO2 of the inference whose latency the row holds; nothing without a latency.
void add_energy(Json& row, const Model& model, const EnergyConditions& conditions, const CancelToken& cancel);

// Whether a stored row's latency may stand for a new one: same conditions, and timing again would take long.
bool may_reuse_latency(const Json& row, const Model& model);

}  // namespace espalier
