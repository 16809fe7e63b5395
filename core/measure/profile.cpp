#include "measure/profile.h"

#include <algorithm>

namespace espalier {

ModelProfile measure_profile(const Engine& engine, const Model& model, const LatencyOptions& options,
                             const CancelToken& cancel) {
  const PackedBatch batch = probe_batch(model, options);
  std::vector<PassProfile> passes;
  const Latency timed =
      time_repeatedly({[&] { probe(engine, model, batch, options, &passes.emplace_back()); }, {}}, options, cancel);
  passes.erase(passes.begin(), passes.end() - timed.repetitions);  // those that only warm up
  // Another program's turn on the processor lengthens single passes; the slower half would be a picture of those.
  std::ranges::sort(passes, {}, &PassProfile::wall_nanoseconds);
  passes.resize((passes.size() + 1) / 2);

  ModelProfile profile;
  profile.options = options;
  profile.options.threads = engine.threads();
  profile.passes = static_cast<int>(passes.size());
  profile.parts = engine.parts();
  profile.times.resize(profile.parts.size());
  profile.ms.resize(profile.parts.size());
  profile.kernels = kernel_info().instruction_set;
  const auto count = static_cast<int64_t>(passes.size());
  for (const PassProfile& pass : passes) {
    const double wall = 1e-6 * static_cast<double>(pass.wall_nanoseconds) / static_cast<double>(count);
    const double spread = static_cast<double>(pass.wall_nanoseconds) / static_cast<double>(pass.thread_nanoseconds);
    profile.wall_ms += wall;
    for (size_t i = 0; i < pass.times.size(); ++i) {
      profile.times[i].add(pass.times[i]);
      profile.ms[i] += 1e-6 * static_cast<double>(pass.times[i].nanoseconds) * spread / static_cast<double>(count);
    }
  }
  profile.rest_ms = profile.wall_ms;
  for (const double ms : profile.ms) profile.rest_ms -= ms;
  profile.rest_ms = std::max(0.0, profile.rest_ms);
  for (PartTime& time : profile.times) {
    time = {time.nanoseconds / count, time.calls / count, time.rows / count, time.pairs / count};
  }
  return profile;
}

int64_t weight_bytes(const std::vector<PlanEntry>& plan) {
  int64_t bytes = 0;
  for (const PlanEntry& entry : plan) {
    if (entry.multiplications > 0) bytes += entry.resident_bytes;
  }
  return bytes;
}

void PartSum::add(const PassPart& part, const PartTime& time, double part_ms, const MachineLimits& limits) {
  ms += part_ms;
  const Roofline line = roofline(part, time, limits);
  if (line.limit_ms == 0) return;
  limit_ms += line.limit_ms;
  limited_ms += part_ms;
  if (line.memory_bound) memory_bound_ms += part_ms;
  const auto units = static_cast<double>(part.kind == PartKind::Attention ? time.pairs : time.rows);
  operations += 2 * static_cast<double>(part.macs()) * units;
  bytes += static_cast<double>(part.weight_bytes * time.calls);
}

}  // namespace espalier
