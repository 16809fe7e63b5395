#pragma once
// Where the time of a model goes on the engine: by part, by kind of part and by layer, beside what the processor could
// do.

#include <string>
#include <vector>

#include "measure/cost.h"
#include "measure/machine_limits.h"

namespace espalier {

// A mean over passes, as if each thread's time were spread over all: parts and `rest_ms` sum to wall_ms.
struct ModelProfile {
  LatencyOptions options;
  int passes = 0;  // those that the mean is of: the faster half of all
  double wall_ms = 0;
  double rest_ms = 0;  // in no part: memory, copies, waiting for other threads
  std::vector<PassPart> parts;
  std::vector<PartTime> times;  // of one pass, on average
  std::vector<double> ms;       // (parts)
  std::string kernels;          // instruction set
};

// Probes as measure_latency() does, with the parts timed. Throws InvalidInput as probe_batch(), Cancelled.
ModelProfile measure_profile(const Engine& engine, const Model& model, const LatencyOptions& options,
                             const CancelToken& cancel = {});

// Bytes of weights that the parts of a pass read, each weight once however often it is used.
int64_t weight_bytes(const std::vector<PlanEntry>& plan);

// Some parts together.
struct PartSum {
  double ms = 0;
  double limit_ms = 0;         // of those of its parts that have one
  double limited_ms = 0;       // what these took
  double memory_bound_ms = 0;  // the share of limited_ms in parts that memory bounds
  double operations = 0;       // of one pass
  double bytes = 0;

  void add(const PassPart& part, const PartTime& time, double part_ms, const MachineLimits& limits);
  // 0..1 of the limit reached; 0 without a limit.
  double share_of_limit() const { return limited_ms > 0 ? limit_ms / limited_ms : 0; }
  bool memory_bound() const { return 2 * memory_bound_ms > limited_ms; }
};

}  // namespace espalier
