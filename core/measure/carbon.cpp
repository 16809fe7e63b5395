#include "measure/carbon.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "base/error.h"

namespace espalier {
namespace {

constexpr double kJoulesPerKwh = 3.6e6;
constexpr double kUnknownCpuWatts = 85;  // CodeCarbon's constant

double round2(double value) { return std::round(value * 100) / 100; }

double same(double value) { return value; }

LacosteEstimate estimate(const LacosteInput& input, double (*rounded)(double)) {
  LacosteEstimate result;
  result.kwh = rounded(input.watts * input.hours / 1000);
  result.kg_per_kwh = rounded(input.g_per_kwh / 1000);
  result.kg_co2 = rounded(result.kwh * result.kg_per_kwh);
  result.offset_kg = rounded(result.kg_co2 * input.offset_percent / 100);
  return result;
}

struct SourceIntensity {
  std::string_view name;
  double g_per_kwh;
};
// CodeCarbon's table of emissions by source.
constexpr SourceIntensity kSources[] = {{"coal", 995}, {"petroleum", 816}, {"gas", 743},  {"geothermal", 38},
                                        {"hydro", 26}, {"nuclear", 29},    {"solar", 48}, {"wind", 26}};

}  // namespace

LacosteEstimate lacoste_estimate(const LacosteInput& input) { return estimate(input, round2); }
LacosteEstimate lacoste_unrounded(const LacosteInput& input) { return estimate(input, same); }

double tracker_kwh(const std::vector<PowerSample>& samples, double pue) {
  double joules = 0;
  for (const PowerSample& s : samples) {
    joules += s.seconds * (s.cpu_share * s.cpu_watts + s.dram_share * s.dram_watts + s.gpu_share * s.gpu_watts);
  }
  return pue * kwh_from_joules(joules);
}

double fallback_cpu_watts(std::optional<double> tdp_watts) { return tdp_watts ? *tdp_watts / 2 : kUnknownCpuWatts; }

double ram_watts_by_size(double gigabytes) { return 3 * gigabytes / 8; }

double ram_watts_by_modules(int64_t modules, bool x86) {
  const double watts = 5 * static_cast<double>(modules);
  return x86 ? std::max(10.0, watts) : watts;
}

double codecarbon_kwh(const std::vector<PowerSample>& samples, double pue) {
  double joules = 0;
  for (const PowerSample& s : samples) joules += s.seconds * (s.cpu_watts + s.dram_watts + s.gpu_watts);
  return pue * kwh_from_joules(joules);
}

double source_g_per_kwh(std::string_view source) {
  std::string names;
  for (const SourceIntensity& known : kSources) {
    if (known.name == source) return known.g_per_kwh;
    names += (names.empty() ? "" : ", ") + std::string(known.name);
  }
  throw Error(ErrorKind::InvalidInput, {.what = "unknown source of electricity",
                                        .where = {},
                                        .got = fmt::format("\"{}\"", source),
                                        .wanted = names,
                                        .next = {}});
}

double mix_g_per_kwh(const std::vector<MixPart>& mix) {
  double sum = 0, shares = 0;
  for (const MixPart& part : mix) {
    sum += part.share * source_g_per_kwh(part.source);
    shares += part.share;
  }
  if (!(shares > 0)) {
    throw Error(ErrorKind::InvalidInput, "a mix of electricity needs shares above 0");
  }
  return sum / shares;
}

const std::vector<GridIntensity>& known_intensities() {
  static const std::vector<GridIntensity> table = {
      {"world", 475, "world average, IEA 2019, as in CodeCarbon; g CO2", true},
      {"de", 380, "Umweltbundesamt, estimate of the German mix 2023; g CO2", true},
      {"fr", 32, "RTE, annual electricity review 2023; g CO2e", true},
      {"gb", 207.07, "UK Government conversion factors 2023, electricity generated; g CO2e", true},
      // 1,650 million tonnes of CO2 for 4,230,672 GWh.
      {"us", 390, "U.S. EIA, utility-scale generation 2022; g CO2", true},
  };
  return table;
}

GridIntensity grid_intensity(std::string_view region) {
  std::string code(region);
  std::ranges::transform(code, code.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const GridIntensity& known : known_intensities()) {
    if (known.region == code) return known;
  }
  GridIntensity unknown = known_intensities().front();
  unknown.known = false;
  unknown.source = fmt::format("\"{}\" is not in the table: {}", region, unknown.source);
  return unknown;
}

double joules_from_kwh(double kwh) { return kwh * kJoulesPerKwh; }
double kwh_from_joules(double joules) { return joules / kJoulesPerKwh; }

}  // namespace espalier
