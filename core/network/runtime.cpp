#include "network/runtime.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <optional>

#include "network/network.h"

namespace espalier {
namespace {

// libtorch on so many threads while it lives.
class TorchThreads {
 public:
  explicit TorchThreads(int wanted) : before_(at::get_num_threads()) {
    if (wanted > 0) at::set_num_threads(wanted);
  }
  ~TorchThreads() { at::set_num_threads(before_); }
  TorchThreads(const TorchThreads&) = delete;
  TorchThreads& operator=(const TorchThreads&) = delete;

 private:
  int before_;
};

std::vector<Encoding> unpacked(const PackedBatch& batch) {
  std::vector<Encoding> encodings(static_cast<size_t>(batch.num_sequences()));
  for (size_t i = 0; i < encodings.size(); ++i) {
    const int32_t begin = batch.starts[i], end = batch.starts[i + 1];
    encodings[i].ids.assign(batch.ids.begin() + begin, batch.ids.begin() + end);
    encodings[i].type_ids.assign(batch.type_ids.begin() + begin, batch.type_ids.begin() + end);
  }
  return encodings;
}

std::vector<const Encoding*> pointers_to(const std::vector<Encoding>& encodings) {
  std::vector<const Encoding*> pointers;
  for (const Encoding& one : encodings) pointers.push_back(&one);
  return pointers;
}

}  // namespace

std::string runtime_kernels(const Architecture& architecture, const std::optional<Placement>& libtorch) {
  if (libtorch) return describe(*libtorch);
  return engine_runs(architecture) ? kernel_info().instruction_set : "libtorch";
}

std::vector<std::string> runtime_notes(const Architecture& architecture) {
  if (engine_runs(architecture)) return {};
  return {"Measured on libtorch: the engine does not run recurrent layers."};
}

struct Runtime::Impl {
  Model model;
  int threads = 0;
  std::optional<Placement> libtorch;
  std::optional<Engine> engine;
  std::optional<Network> network;

  std::string kernels() const { return runtime_kernels(model.architecture, libtorch); }
};

Runtime::Runtime(const Model& model, int threads, const std::optional<Placement>& libtorch)
    : impl_(std::make_unique<Impl>()) {
  impl_->model = model;
  impl_->threads = threads;
  impl_->libtorch = libtorch;
  if (!libtorch && engine_runs(model.architecture)) {
    EngineOptions options;
    options.threads = threads;
    impl_->engine.emplace(model, options);
  } else {
    impl_->network.emplace(model, NetworkOptions{.placement = libtorch.value_or(Placement())});
  }
}
Runtime::~Runtime() = default;
Runtime::Runtime(Runtime&&) noexcept = default;
Runtime& Runtime::operator=(Runtime&&) noexcept = default;

std::function<void()> Runtime::probe(const LatencyOptions& options) {
  auto batch = std::make_shared<const PackedBatch>(probe_batch(impl_->model, options));
  if (impl_->engine) return [this, batch, options] { espalier::probe(*impl_->engine, impl_->model, *batch, options); };
  auto encodings = std::make_shared<const std::vector<Encoding>>(unpacked(*batch));
  return [this, encodings, options] {
    const at::NoGradGuard no_grad;
    const TorchThreads threads(impl_->threads);
    const Placement& placement = impl_->network->placement();
    if (!impl_->model.architecture.has_decoder()) {
      const auto pad = static_cast<TokenId>(impl_->model.architecture.embedding.pad_token_id);
      impl_->network->forward(make_network_batch(pointers_to(*encodings), pad, placement.device));
    } else {
      const GenerationSpec spec = probe_generation(impl_->model, options);
      for (const Encoding& one : *encodings) impl_->network->generate(one.ids, spec);
    }
    wait_for(placement);
  };
}

Latency Runtime::measure_latency(const LatencyOptions& options, const CancelToken& cancel) {
  Latency latency = time_repeatedly(probe(options), options, cancel);
  latency.kernels = impl_->kernels();
  return latency;
}

std::vector<Latency> Runtime::measure_latency_pair(Runtime& before, Runtime& after, const LatencyOptions& options,
                                                   const CancelToken& cancel) {
  std::vector<Latency> pair = time_interleaved({before.probe(options), after.probe(options)}, options, cancel);
  pair[0].kernels = before.impl_->kernels();
  pair[1].kernels = after.impl_->kernels();
  return pair;
}

Energy Runtime::measure_energy(const Latency& latency, RaplCounters& counters, const PowerAssumption& assumption,
                               const CancelToken& cancel) {
  return espalier::measure_energy(probe(latency.options), latency, counters, assumption, cancel);
}

}  // namespace espalier
