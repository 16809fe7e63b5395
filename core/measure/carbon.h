#pragma once
// Energy and CO2 of work by the three published calculators, each with its own rules, and what a kilowatt-hour emits.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

// --- Lacoste 2019 (arXiv 1910.09700): power times hours, offline ---------------------------------------------------

struct LacosteInput {
  double watts = 0;  // thermal design power of the hardware
  double hours = 0;
  double g_per_kwh = 0;       // of the region
  double offset_percent = 0;  // of the emission that the provider offsets
};
struct LacosteEstimate {
  double kwh = 0, kg_per_kwh = 0, kg_co2 = 0, offset_kg = 0;
};
// As the published calculator: every figure is rounded to two decimals before it is used further. It leaves the
// facility's overhead (PUE) out.
LacosteEstimate lacoste_estimate(const LacosteInput& input);
LacosteEstimate lacoste_unrounded(const LacosteInput& input);

// --- Experiment Impact Tracker (Henderson 2020, arXiv 2002.05651): sampled power times the process's share -----------

inline constexpr double kTrackerPue = 1.58;  // the tracker's default overhead of a data centre

// Powers over an interval and the shares of them that belong to the process, 0..1.
struct PowerSample {
  double seconds = 0;
  double cpu_watts = 0, cpu_share = 0;    // share of busy processor time
  double dram_watts = 0, dram_share = 0;  // share of resident memory
  double gpu_watts = 0, gpu_share = 0;    // share of the multiprocessors
};
double tracker_kwh(const std::vector<PowerSample>& samples, double pue = kTrackerPue);

// --- CodeCarbon: sampled power of the machine, with fall-backs ------------------------------------------------------

// Watts of a processor without counters: half of its thermal design power, or a constant when that is not known.
double fallback_cpu_watts(std::optional<double> tdp_watts);
// Version 2: 3 W for 8 GB. Version 3: 5 W a module, at least 10 W on x86.
double ram_watts_by_size(double gigabytes);
double ram_watts_by_modules(int64_t modules, bool x86);

// Sum of whole powers over the samples (shares are not used), times PUE.
double codecarbon_kwh(const std::vector<PowerSample>& samples, double pue = 1.0);

// g/kWh of one source of electricity: coal, petroleum, gas, geothermal, hydro, nuclear, solar, wind. InvalidInput
// naming the known ones.
double source_g_per_kwh(std::string_view source);
struct MixPart {
  std::string source;
  double share = 0;  // any unit; normalized
};
double mix_g_per_kwh(const std::vector<MixPart>& mix);

// --- Regions --------------------------------------------------------------------------------------------------------

struct GridIntensity {
  std::string region;  // ISO 3166 code, or "world"
  double g_per_kwh = 0;
  std::string source;  // publisher, year, what the figure is
  bool known = true;   // false: the region is not in the table and the world average stands in
};
// The regions in the table, the world first.
const std::vector<GridIntensity>& known_intensities();
// By code, case ignored. An unknown region gives the world average, 475 g/kWh, with known = false.
GridIntensity grid_intensity(std::string_view region);

double joules_from_kwh(double kwh);
double kwh_from_joules(double joules);

}  // namespace espalier
