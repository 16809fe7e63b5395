#pragma once
// Two figures that are both called speed-up and must not be mixed: "speedup" is measured, "layer_speedup" counts the
// layers that an early-exit model executes (Zhou 2020, arXiv 2006.04152; Sun 2021).

#include <cstdint>
#include <string_view>
#include <vector>

namespace espalier {

inline constexpr std::string_view kMeasuredSpeedup = "speedup";
inline constexpr std::string_view kLayerSpeedup = "layer_speedup";

// Time of the baseline over time of the other, both > 0 and in one unit.
double measured_speedup(double baseline_time, double time);

// Layers of the baseline over the mean number of layers executed an example; each from 1 to num_layers.
double layer_speedup(int64_t num_layers, const std::vector<int64_t>& executed_layers);

// From the saved fraction 1 - mean layers / layers that some programs print instead; in [0, 1).
double layer_speedup_from_saved(double saved_frac);

}  // namespace espalier
