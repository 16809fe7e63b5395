#include "network/runtime.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "network/gpu.h"
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
  bool graph = false;  // what was timed last ran as one graph

  std::string kernels() const {
    return runtime_kernels(model.architecture, libtorch) + (graph ? ", as one graph" : "");
  }

  // One pass, or what generation takes, given to the device and not waited for.
  std::function<void()> work(const LatencyOptions& options) {
    const auto encodings = std::make_shared<const std::vector<Encoding>>(unpacked(probe_batch(model, options)));
    if (model.architecture.has_decoder()) {
      return [this, encodings, spec = probe_generation(model, options)] {
        const at::NoGradGuard no_grad;
        for (const Encoding& one : *encodings) network->generate(one.ids, spec);
      };
    }
    const auto pad = static_cast<TokenId>(model.architecture.embedding.pad_token_id);
    const std::string& device = network->placement().device;
    return [this, batch = make_network_batch(pointers_to(*encodings), pad, device)] {
      const at::NoGradGuard no_grad;
      logits = network->forward(batch).logits;
    };
  }

  // Whether the processor takes part in a pass: it chooses tokens, steps through lengths, or makes buckets of
  // distances.
  bool needs_processor() const {
    const Architecture& a = model.architecture;
    return a.has_decoder() || a.is_recurrent() ||
           std::ranges::any_of(a.layers, [](const LayerSpec& layer) { return layer.attention.relative.has_value(); });
  }

  // What `pass` does as one graph; itself where that cannot be, and kernels() then names no graph.
  std::function<void()> as_graph(const std::function<void()>& pass) {
    graph = false;
    if (needs_processor()) return pass;
    try {
      std::function<void()> captured = captured_on_gpu(network->placement().device, pass);
      graph = true;
      return captured;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::Device) throw;
      return pass;
    }
  }

  at::Tensor logits;  // of the last pass: where a graph writes them
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

TimedAction Runtime::probe(const LatencyOptions& options) {
  if (impl_->engine) {
    auto batch = std::make_shared<const PackedBatch>(probe_batch(impl_->model, options));
    return {[this, batch, options] { espalier::probe(*impl_->engine, impl_->model, *batch, options); }, {}};
  }
  const Placement& placement = impl_->network->placement();
  std::function<void()> work = impl_->work(options);
  if (!placement.on_gpu()) {
    return {[this, work] {
              const TorchThreads threads(impl_->threads);
              work();
            },
            {}};
  }
  work = impl_->as_graph(work);
  return {[placement, work] {
            work();
            wait_for(placement);
          },
          [placement, work] { return milliseconds_on_gpu(placement.device, work); }};
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
  return espalier::measure_energy(probe(latency.options).run, latency, counters, assumption, cancel);
}

}  // namespace espalier
