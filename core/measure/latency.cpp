#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/error.h"
#include "base/rng.h"
#include "measure/cost.h"

namespace espalier {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kLeastWarmup = 5;
constexpr int kLeastRepetitions = 30;

double milliseconds_of(const TimedAction& action) {
  if (action.milliseconds) return action.milliseconds();
  const auto begin = Clock::now();
  action.run();
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

// Linear interpolation between order statistics.
double quantile(const std::vector<double>& sorted, double share) {
  const double position = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], position - static_cast<double>(below));
}

}  // namespace

std::vector<Latency> time_interleaved(const std::vector<TimedAction>& actions, const LatencyOptions& options,
                                      const CancelToken& cancel) {
  for (int i = 0; i < std::max(options.warmup, kLeastWarmup); ++i) {
    for (const TimedAction& action : actions) {
      cancel.throw_if_cancelled();
      action.run();
    }
  }
  std::vector<std::vector<double>> times(actions.size());
  const auto begin = Clock::now();
  const int repetitions = std::max(options.repetitions, kLeastRepetitions);
  for (int i = 0; i < repetitions; ++i) {
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    if (i >= kLeastRepetitions && seconds > options.max_seconds) break;
    for (size_t a = 0; a < actions.size(); ++a) {
      cancel.throw_if_cancelled();
      times[a].push_back(milliseconds_of(actions[a]));
    }
  }
  std::vector<Latency> results;
  for (std::vector<double>& samples : times) {
    std::sort(samples.begin(), samples.end());
    Latency latency;
    latency.p10_ms = quantile(samples, 0.1);
    latency.p50_ms = quantile(samples, 0.5);
    latency.p90_ms = quantile(samples, 0.9);
    latency.options = options;
    latency.repetitions = static_cast<int>(samples.size());
    results.push_back(latency);
  }
  return results;
}

PackedBatch probe_batch(const Model& model, const LatencyOptions& options) {
  const int64_t vocab = model.architecture.embedding.vocab_size;
  if (options.sequence_length > model.architecture.embedding.max_positions) {
    throw Error(ErrorKind::InvalidInput,
                {.what = "the latency was asked for at a longer sequence than the model takes",
                 .where = display_name(model),
                 .got = std::to_string(options.sequence_length),
                 .wanted = "at most " + std::to_string(model.architecture.embedding.max_positions),
                 .next = {}});
  }
  // A model that compares two texts gets two of half the length.
  const bool pair = model.architecture.head.pooling == Pooling::ComparedStates;
  Rng rng(1);
  PackedBatch batch;
  batch.starts.push_back(0);
  for (int64_t b = 0; b < options.batch_size; ++b) {
    for (int64_t t = 0; t < options.sequence_length; ++t) {
      batch.ids.push_back(static_cast<TokenId>(rng.below(static_cast<uint64_t>(vocab))));
      batch.type_ids.push_back(pair && t >= options.sequence_length / 2 ? 1 : 0);
    }
    batch.starts.push_back(static_cast<int32_t>(batch.ids.size()));
  }
  return batch;
}

GenerationSpec probe_generation(const Model& model, const LatencyOptions& options) {
  // Without an end every sequence has the same length.
  const Architecture& a = model.architecture;
  GenerationSpec spec;
  spec.decoder_start = a.generation ? std::max<int64_t>(0, a.generation->decoder_start) : 0;
  spec.max_length = options.new_tokens + 1;
  return spec;
}

void probe(const Engine& engine, const Model& model, const PackedBatch& batch, const LatencyOptions& options,
           PassProfile* profile) {
  if (model.architecture.has_decoder()) {
    engine.generate(batch, probe_generation(model, options), {}, profile);
  } else {
    engine.run(batch, {.profile = profile});
  }
}

Latency time_repeatedly(const TimedAction& action, const LatencyOptions& options, const CancelToken& cancel) {
  return time_interleaved({action}, options, cancel).front();
}

std::vector<Latency> measure_latency_interleaved(const std::vector<const Engine*>& engines,
                                                 const std::vector<const Model*>& models, const LatencyOptions& options,
                                                 const CancelToken& cancel) {
  std::vector<PackedBatch> batches;
  for (const Model* model : models) batches.push_back(probe_batch(*model, options));
  std::vector<TimedAction> actions;
  for (size_t i = 0; i < engines.size(); ++i) {
    const auto run = [engine = engines[i], model = models[i], batch = &batches[i], &options] {
      probe(*engine, *model, *batch, options);
    };
    actions.push_back({run, {}});
  }
  std::vector<Latency> results = time_interleaved(actions, options, cancel);
  const std::string kernels = kernel_info().instruction_set;
  for (size_t i = 0; i < results.size(); ++i) {
    results[i].kernels = kernels;
    results[i].options.threads = engines[i]->threads();
  }
  return results;
}

Latency measure_latency(const Engine& engine, const Model& model, const LatencyOptions& options,
                        const CancelToken& cancel) {
  return measure_latency_interleaved({&engine}, {&model}, options, cancel).front();
}

}  // namespace espalier
