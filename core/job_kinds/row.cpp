#include "job_kinds/row.h"

#include <algorithm>

#include "base/error.h"
#include "measure/runner.h"

namespace espalier {
namespace {

// A pair of models is timed again when that takes at most about so long.
constexpr double kCheapSeconds = 5;

}  // namespace

Measures measures_from(const std::vector<std::string>& names) {
  if (names.empty()) return {};
  Measures wanted = {false, false, false, false, false, false};
  for (const std::string& name : names) {
    if (name == "quality") {
      wanted.quality = true;
    } else if (name == "size") {
      wanted.size = true;
    } else if (name == "macs") {
      wanted.macs = true;
    } else if (name == "latency") {
      wanted.latency = true;
    } else if (name == "energy") {
      wanted.energy = true;
    } else if (name == "loyalty") {
      wanted.loyalty = true;
    } else {
      throw Error(ErrorKind::InvalidInput, {.what = "unknown measure",
                                            .where = "member \"measure\" of the recipe",
                                            .got = "\"" + name + "\"",
                                            .wanted = "quality, size, macs, latency, energy or loyalty",
                                            .next = {}});
    }
  }
  return wanted;
}

LatencyOptions row_latency_options(const Model& model) {
  LatencyOptions options;
  const Architecture& a = model.architecture;
  options.sequence_length = std::min<int64_t>(128, a.embedding.max_positions);
  if (a.has_decoder()) options.new_tokens = std::min(options.new_tokens, a.decoder_embedding->max_positions - 1);
  return options;
}

void add_costs(Json& row, const Model& model, int64_t bytes, const Measures& wanted) {
  if (wanted.size) {
    row["bundle_bytes"] = bytes;
    row["parameters"] = num_parameters(model);
  }
  if (wanted.macs) row["macs"] = count_macs(model, 128);
}

void add_latency(Json& row, const Model& model, const Reference* reference, const std::optional<Placement>& libtorch,
                 const CancelToken& cancel) {
  const LatencyOptions options = row_latency_options(model);
  Runtime runtime(model, options.threads, libtorch);
  Latency latency;
  if (reference != nullptr && reference->runtime) {
    const auto pair = Runtime::measure_latency_pair(*reference->runtime, runtime, options, cancel);
    latency = pair[1];
    row["speedup"] = pair[0].p50_ms / pair[1].p50_ms;
  } else {
    latency = runtime.measure_latency(options, cancel);
  }
  row["latency_ms_p10"] = latency.p10_ms;
  row["latency_ms_p50"] = latency.p50_ms;
  row["latency_ms_p90"] = latency.p90_ms;
  row["latency_batch"] = latency.options.batch_size;
  row["latency_length"] = latency.options.sequence_length;
  row["latency_threads"] = latency.options.threads;
  if (model.architecture.has_decoder()) row["latency_new_tokens"] = latency.options.new_tokens;
  row["kernels"] = latency.kernels;
  row["cpu_model"] = kernel_info().cpu_model;
}

EnergyConditions energy_conditions(const Json& settings) {
  constexpr std::string_view kWhere = "settings of the job";
  EnergyConditions conditions;
  conditions.power.tdp_watts = json_get_or(settings, "tdp_watts", 0.0, kWhere);
  conditions.power.cores = kernel_info().cores;
  conditions.grid = grid_intensity(json_get_or(settings, "region", std::string("world"), kWhere));
  const double given = json_get_or(settings, "g_per_kwh", -1.0, kWhere);
  if (conditions.power.tdp_watts < 0 || (settings.contains("g_per_kwh") && given < 0)) {
    throw Error(ErrorKind::InvalidInput, {.what = "a power or an intensity is below 0",
                                          .where = std::string(kWhere),
                                          .got = {},
                                          .wanted = "tdp_watts and g_per_kwh of at least 0",
                                          .next = {}});
  }
  if (given >= 0) {
    conditions.grid.region = json_get_or(settings, "region", std::string("given"), kWhere);
    conditions.grid.g_per_kwh = given;
    conditions.grid.source = "given";
    conditions.grid.known = true;
  }
  return conditions;
}

void add_energy(Json& row, const Model& model, const EnergyConditions& conditions, const CancelToken& cancel) {
  if (!row.contains("latency_ms_p50")) return;
  Latency latency;
  latency.options = row_latency_options(model);
  latency.p50_ms = row.at("latency_ms_p50").get<double>();
  RaplCounters counters;
  Energy energy;
  if (counters.readable()) {
    energy = Runtime(model, latency.options.threads).measure_energy(latency, counters, conditions.power, cancel);
  } else {
    energy = estimate_energy(latency, conditions.power);
  }
  row["energy_j"] = energy.joules;
  row["energy_source"] = to_string(energy.source);
  row["energy_basis"] = energy.basis;
  row["co2_ug"] = kwh_from_joules(energy.joules) * conditions.grid.g_per_kwh * 1e6;
  row["co2_region"] = conditions.grid.region;
  row["co2_g_per_kwh"] = conditions.grid.g_per_kwh;
  row["co2_source"] = conditions.grid.source;
}

bool may_reuse_latency(const Json& row, const Model& model) {
  if (!row.contains("latency_ms_p50")) return false;
  const LatencyOptions options = row_latency_options(model);
  const KernelInfo info = kernel_info();
  const bool same = row.value("latency_batch", int64_t{0}) == options.batch_size &&
                    row.value("latency_length", int64_t{0}) == options.sequence_length &&
                    row.value("latency_threads", 0) == options.threads &&
                    row.value("kernels", "") == runtime_kernels(model.architecture) &&
                    row.value("cpu_model", "") == info.cpu_model;
  const double pair_ms = row.at("latency_ms_p50").get<double>() * (1 + row.value("speedup", 0.0));
  return same && pair_ms * (options.warmup + options.repetitions) > kCheapSeconds * 1000;
}

}  // namespace espalier
