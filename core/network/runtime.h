#pragma once
// What a model is timed on: the engine, or libtorch where the engine has no kernels for its layers or libtorch is asked
// for.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/job_context.h"
#include "measure/cost.h"
#include "measure/energy.h"
#include "model/model.h"
#include "network/placement.h"

namespace espalier {

// What stands beside a latency as its kernels: the engine's instruction set, "libtorch", or what `libtorch` says.
std::string runtime_kernels(const Architecture& architecture, const std::optional<Placement>& libtorch = {});
// A sentence for the ledger when the engine cannot run the model; none when it can.
std::vector<std::string> runtime_notes(const Architecture& architecture);

// A model made ready to be timed. One thread at a time may use it.
class Runtime {
 public:
  // threads: 0 for as many as there are cores. With `libtorch`, there and so, whatever the engine runs. A latency on a
  // GPU is taken by the GPU's events around the pass, its ids there already and its result left there; a pass through
  // an encoder is captured and replayed as one graph, which its kernels then say. Throws as require_usable does.
  explicit Runtime(const Model& model, int threads = 0, const std::optional<Placement>& libtorch = {});
  ~Runtime();
  Runtime(Runtime&&) noexcept;
  Runtime& operator=(Runtime&&) noexcept;

  Latency measure_latency(const LatencyOptions& options, const CancelToken& cancel = {});
  // Of both in turn, first `before`, so that a drift of the machine meets both alike.
  static std::vector<Latency> measure_latency_pair(Runtime& before, Runtime& after, const LatencyOptions& options,
                                                   const CancelToken& cancel = {});
  // As measure_energy() of measure/energy.h, for what `latency` timed.
  Energy measure_energy(const Latency& latency, RaplCounters& counters, const PowerAssumption& assumption,
                        const CancelToken& cancel = {});

 private:
  // One pass over what is timed.
  TimedAction probe(const LatencyOptions& options);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace espalier
