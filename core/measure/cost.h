#pragma once
// What a model costs: multiply-accumulates, latency on the engine.

#include <functional>
#include <vector>

#include "base/job_context.h"
#include "engine/engine.h"
#include "model/model.h"

namespace espalier {

// Multiply-accumulates of one forward pass of one sequence: every linear at its stored form (non-zeros of masked
// weights, both factors of low-rank ones), recurrent ones at every token, attention 2 n^2 width a layer, pooler and
// head; look-ups 0; norms, softmax and activations not counted. FLOPs = 2 MACs.
int64_t count_macs(const Model& model, int64_t sequence_length);
// Rows that the head multiplies: one a sequence, or one a token.
int64_t head_rows(HeadKind kind, int64_t sequence_length);
// The part of one layer.
int64_t count_layer_macs(const Model& model, LayerIndex layer, int64_t sequence_length);
// The part of one weight: 0 for what is looked up or added.
int64_t slot_macs(const Model& model, const Slot& slot, int64_t sequence_length);
// The part of attention itself, scores and their weighted sum of values, which no weight has.
int64_t score_macs(const AttentionSpec& spec, int64_t queries, int64_t keys);

struct LatencyOptions {
  int64_t batch_size = 1;
  int64_t sequence_length = 128;
  int64_t new_tokens = 32;  // of a model with a decoder: written greedily behind the pass through the encoder
  int threads = 1;
  int warmup = 5;           // at least 5
  int repetitions = 30;     // at least 30
  double max_seconds = 10;  // stops early after 30 repetitions
};

struct Latency {
  double p10_ms = 0, p50_ms = 0, p90_ms = 0;
  LatencyOptions options;
  int repetitions = 0;
  std::string kernels;  // instruction set
};

// What is timed: batch_size sequences of sequence_length random ids. Ids do not change what is computed, only which
// rows are looked up. InvalidInput when the model takes no sequence of that length.
PackedBatch probe_batch(const Model& model, const LatencyOptions& options);
// How a model with a decoder writes while it is timed: new_tokens of them greedily, whatever the weights.
GenerationSpec probe_generation(const Model& model, const LatencyOptions& options);
// One inference of what is timed: a pass, or for a model with a decoder a pass through the encoder and new_tokens
// tokens. InvalidInput for a decoder without a language model's head. `profile`, when given, gets the time of the
// parts.
void probe(const Engine& engine, const Model& model, const PackedBatch& batch, const LatencyOptions& options,
           PassProfile* profile = nullptr);

Latency measure_latency(const Engine& engine, const Model& model, const LatencyOptions& options,
                        const CancelToken& cancel = {});
// Several models in turn, A B C A B C ..., so that a drift of the machine meets all alike.
std::vector<Latency> measure_latency_interleaved(const std::vector<const Engine*>& engines,
                                                 const std::vector<const Model*>& models, const LatencyOptions& options,
                                                 const CancelToken& cancel = {});
// Something that is run and timed, by the clock unless it knows better.
struct TimedAction {
  std::function<void()> run;             // returns when it is done
  std::function<double()> milliseconds;  // runs it and says what it took; empty: by the clock around run
};
// Any actions in turn, and one; of a runtime that is not the engine, or for tests. Threads and kernels are the caller's
// to state.
std::vector<Latency> time_interleaved(const std::vector<TimedAction>& actions, const LatencyOptions& options,
                                      const CancelToken& cancel);
Latency time_repeatedly(const TimedAction& action, const LatencyOptions& options, const CancelToken& cancel);

}  // namespace espalier
