#include "measure/energy.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <optional>

#include "measure/carbon.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr double kMeasuredSeconds = 1;
constexpr double kMicrojoules = 1e6;

std::optional<double> number_in(const fs::path& file) {
  std::ifstream in(file);
  double value = 0;
  if (!(in >> value)) return std::nullopt;
  return value;
}

std::string first_line(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

// Packages and memory; a package's cores are inside its own counter, and "psys" holds the packages again.
bool counts_by_itself(const std::string& name) { return name.starts_with("package") || name == "dram"; }

}  // namespace

std::string_view to_string(EnergySource source) { return source == EnergySource::Rapl ? "rapl" : "estimated"; }

RaplCounters::RaplCounters(const fs::path& root) {
  std::error_code error;
  std::vector<fs::path> folders;
  for (fs::directory_iterator at(root, error), end; !error && at != end; at.increment(error)) {
    // "intel-rapl:0" and "intel-rapl:0:2"; the memory-mapped twins ("intel-rapl-mmio:0") count the same energy.
    if (at->path().filename().string().starts_with("intel-rapl:")) folders.push_back(at->path());
  }
  std::ranges::sort(folders);
  for (const fs::path& folder : folders) {
    Domain domain;
    domain.name = first_line(folder / "name");
    domain.file = folder / "energy_uj";
    if (!counts_by_itself(domain.name)) continue;
    const auto now = number_in(domain.file);
    if (!now) continue;
    domain.last_uj = *now;
    domain.range_uj = number_in(folder / "max_energy_range_uj").value_or(0);
    domains_.push_back(std::move(domain));
  }
}

std::string RaplCounters::description() const {
  std::string names;
  for (const Domain& domain : domains_) names += (names.empty() ? "" : ", ") + domain.name;
  return names;
}

double RaplCounters::joules_since_last() {
  double sum_uj = 0;
  for (Domain& domain : domains_) {
    const double now = number_in(domain.file).value_or(domain.last_uj);
    sum_uj += now >= domain.last_uj ? now - domain.last_uj : now + domain.range_uj - domain.last_uj;
    domain.last_uj = now;
  }
  return sum_uj / kMicrojoules;
}

Energy estimate_energy(const Latency& latency, const PowerAssumption& assumption) {
  const bool known = assumption.tdp_watts > 0;
  const double package = known ? assumption.tdp_watts : fallback_cpu_watts(std::nullopt);
  const int cores = std::max(1, assumption.cores);
  const int busy = std::clamp(latency.options.threads, 1, cores);
  Energy energy;
  energy.joules = package * busy / cores * latency.p50_ms / 1000;
  energy.source = EnergySource::Estimated;
  energy.basis = fmt::format("{} of {} cores of a processor of {:g} W ({}) for the median latency", busy, cores,
                             package, known ? "thermal design power, as given" : "assumed, power not known");
  return energy;
}

Energy measure_energy(const Engine& engine, const Model& model, const Latency& latency, RaplCounters& counters,
                      const PowerAssumption& assumption, const CancelToken& cancel) {
  const PackedBatch batch = probe_batch(model, latency.options);
  return measure_energy([&] { probe(engine, model, batch, latency.options); }, latency, counters, assumption, cancel);
}

Energy measure_energy(const std::function<void()>& run, const Latency& latency, RaplCounters& counters,
                      const PowerAssumption& assumption, const CancelToken& cancel) {
  if (!counters.readable()) return estimate_energy(latency, assumption);
  using Clock = std::chrono::steady_clock;
  counters.joules_since_last();
  const auto begin = Clock::now();
  int64_t runs = 0;
  while (runs == 0 || std::chrono::duration<double>(Clock::now() - begin).count() < kMeasuredSeconds) {
    cancel.throw_if_cancelled();
    run();
    ++runs;
  }
  Energy energy;
  energy.joules = counters.joules_since_last() / static_cast<double>(runs);
  energy.source = EnergySource::Rapl;
  energy.basis = fmt::format("counters {} over {} runs, other programs included", counters.description(), runs);
  return energy;
}

}  // namespace espalier
