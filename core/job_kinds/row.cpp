#include "job_kinds/row.h"

#include <algorithm>

#include "base/error.h"
#include "measure/quality.h"

namespace espalier {
namespace {

// A pair of models is timed again when that takes at most about so long.
constexpr double kCheapSeconds = 5;

std::vector<bool> right_of(const Tensor& logits, const std::vector<int32_t>& labels) {
  return classification_quality(logits, labels).right;
}

std::vector<double> values_of(const Tensor& logits) {
  const auto values = logits.values<float>();
  return {values.begin(), values.end()};
}

}  // namespace

Measures measures_from(const std::vector<std::string>& names) {
  if (names.empty()) return {};
  Measures wanted = {false, false, false, false, false};
  for (const std::string& name : names) {
    if (name == "quality") {
      wanted.quality = true;
    } else if (name == "size") {
      wanted.size = true;
    } else if (name == "macs") {
      wanted.macs = true;
    } else if (name == "latency") {
      wanted.latency = true;
    } else if (name == "loyalty") {
      wanted.loyalty = true;
    } else {
      throw Error(ErrorKind::InvalidInput, {.what = "unknown measure",
                                            .where = "member \"measure\" of the recipe",
                                            .got = "\"" + name + "\"",
                                            .wanted = "quality, size, macs, latency or loyalty",
                                            .next = {}});
    }
  }
  return wanted;
}

LatencyOptions row_latency_options(const Model& model) {
  LatencyOptions options;
  options.sequence_length = std::min<int64_t>(128, model.architecture.embedding.max_positions);
  return options;
}

void add_costs(Json& row, const Model& model, int64_t bytes, const Measures& wanted) {
  if (wanted.size) {
    row["bundle_bytes"] = bytes;
    row["parameters"] = num_parameters(model);
  }
  if (wanted.macs) row["macs"] = count_macs(model, 128);
}

void add_quality(Json& row, const Tensor& logits, const Task& task, const LoadedSplit& split) {
  row["split"] = split.name;
  if (task.kind == TaskKind::Classification) {
    row.update(to_json(classification_quality(logits, split.labels())));
    return;
  }
  row["examples"] = split.encoded.examples.size();
  row["pearson"] = pearson(values_of(logits), split.scores());
  row["spearman"] = spearman(values_of(logits), split.scores());
}

void add_comparison(Json& row, const Tensor& logits, const Tensor& reference_logits, const Task& task,
                    const LoadedSplit& split, const Measures& wanted) {
  if (task.kind != TaskKind::Classification) return;
  if (wanted.quality) {
    const std::vector<int32_t> labels = split.labels();
    row["mcnemar_p"] = mcnemar_p(right_of(reference_logits, labels), right_of(logits, labels));
  }
  if (wanted.loyalty) {
    row["label_loyalty"] = label_loyalty(reference_logits, logits);
    row["probability_loyalty"] = probability_loyalty(reference_logits, logits);
  }
}

void add_latency(Json& row, const Model& model, const Reference* reference, const CancelToken& cancel) {
  const LatencyOptions options = row_latency_options(model);
  EngineOptions engine_options;
  engine_options.threads = options.threads;
  const Engine engine(model, engine_options);
  Latency latency;
  if (reference != nullptr && reference->engine) {
    const auto pair =
        measure_latency_interleaved({reference->engine.get(), &engine}, {&reference->model, &model}, options, cancel);
    latency = pair[1];
    row["speedup"] = pair[0].p50_ms / pair[1].p50_ms;
  } else {
    latency = measure_latency(engine, model, options, cancel);
  }
  row["latency_ms_p10"] = latency.p10_ms;
  row["latency_ms_p50"] = latency.p50_ms;
  row["latency_ms_p90"] = latency.p90_ms;
  row["latency_batch"] = latency.options.batch_size;
  row["latency_length"] = latency.options.sequence_length;
  row["latency_threads"] = latency.options.threads;
  row["kernels"] = latency.kernels;
  row["cpu_model"] = kernel_info().cpu_model;
}

bool may_reuse_latency(const Json& row, const Model& model) {
  if (!row.contains("latency_ms_p50")) return false;
  const LatencyOptions options = row_latency_options(model);
  const KernelInfo info = kernel_info();
  const bool same = row.value("latency_batch", int64_t{0}) == options.batch_size &&
                    row.value("latency_length", int64_t{0}) == options.sequence_length &&
                    row.value("latency_threads", 0) == options.threads &&
                    row.value("kernels", "") == info.instruction_set && row.value("cpu_model", "") == info.cpu_model;
  const double pair_ms = row.at("latency_ms_p50").get<double>() * (1 + row.value("speedup", 0.0));
  return same && pair_ms * (options.warmup + options.repetitions) > kCheapSeconds * 1000;
}

}  // namespace espalier
