// `espalier bench`: how fast the engine (libtorch where it has no kernels) runs a model, by batch, length and threads,
// with which kernels, and where the time goes.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "app/cli/bench_profile.h"
#include "app/cli/program.h"
#include "app/cli/runtime_options.h"
#include "base/error.h"
#include "engine/engine.h"
#include "job_kinds/inputs.h"
#include "measure/cost.h"
#include "network/runtime.h"

namespace espalier::cli {
namespace {

struct Options {
  std::string model, kernels = "best";
  std::vector<int64_t> batches = {1, 8}, lengths = {32, 128};
  std::vector<int> threads = {1};
  double seconds = 2;
  int repetitions = 30;
  bool plan = false, layers = false;
};

KernelSet kernel_set(const std::string& name) {
  if (name == "reference") return KernelSet::Reference;
  if (name == "avx2") return KernelSet::Avx2;
  return name == "vector" ? KernelSet::Vector : KernelSet::Best;
}

Json row_json(const Latency& latency, double macs) {
  const double tokens = static_cast<double>(latency.options.batch_size * latency.options.sequence_length);
  return {{"batch", latency.options.batch_size},
          {"length", latency.options.sequence_length},
          {"threads", latency.options.threads},
          {"repetitions", latency.repetitions},
          {"latency_ms_p10", latency.p10_ms},
          {"latency_ms_p50", latency.p50_ms},
          {"latency_ms_p90", latency.p90_ms},
          {"tokens_per_second", tokens / latency.p50_ms * 1000},
          {"gmacs_per_second", macs / latency.p50_ms / 1e6}};
}

// The form that most multiplications are carried out in: "float32", "int8 dynamic per token", "low rank 64".
std::string main_form(const std::vector<PlanEntry>& plan) {
  std::map<std::string, int64_t> by_form;
  for (const PlanEntry& entry : plan) {
    by_form[entry.kernel.substr(0, std::min(entry.kernel.find(','), entry.kernel.find(" (")))] += entry.multiplications;
  }
  const auto most = std::ranges::max_element(by_form, {}, &std::pair<const std::string, int64_t>::second);
  return most == by_form.end() ? "float32" : most->first;
}

void print_plan(const std::vector<PlanEntry>& plan, bool every_slot) {
  if (every_slot) {
    TextTable table({"slot", "kernel", "resident"});
    for (const PlanEntry& entry : plan) {
      table.add({entry.slot, entry.kernel, bytes_text(static_cast<double>(entry.resident_bytes))});
    }
    table.print(2);
    return;
  }
  std::map<std::string, std::pair<int64_t, int64_t>> by_kernel;
  for (const PlanEntry& entry : plan) {
    auto& [count, bytes] = by_kernel[entry.kernel];
    ++count;
    bytes += entry.resident_bytes;
  }
  TextTable table({"kernel", "weights", "resident"});
  for (const auto& [kernel, sum] : by_kernel) {
    table.add({kernel, std::to_string(sum.first), bytes_text(static_cast<double>(sum.second))});
  }
  table.print();
}

// Parts of one row, timed in passes of their own, and what the processor could do.
struct Profiled {
  ModelProfile profile;
  MachineLimits limits;
};

}  // namespace

void add_bench(Program& program) {
  CLI::App* verb = program.add_verb("bench", "Time a model on the engine by batch, length and threads",
                                    "espalier bench path/to/model --batch 1,8 --length 32,128 --threads 1,2");
  auto options = std::make_shared<Options>();
  verb->add_option("model", options->model, "Hugging Face folder, bundle, or lab")->required();
  verb->add_option("--batch", options->batches, "Sequences at once")
      ->delimiter(',')
      ->check(between(1, 100000))
      ->capture_default_str();
  verb->add_option("--length", options->lengths, "Tokens of a sequence")
      ->delimiter(',')
      ->check(between(1, 100000))
      ->capture_default_str();
  verb->add_option("--threads", options->threads, "Threads of one call")
      ->delimiter(',')
      ->check(between(1, 1024))
      ->capture_default_str();
  verb->add_option("--kernels", options->kernels, "Which kernels may be used; vector: none of a matrix unit of ours")
      ->check(CLI::IsMember({"best", "vector", "avx2", "reference"}))
      ->capture_default_str();
  verb->add_option("--seconds", options->seconds, "Longest time for one row, after 30 repetitions")
      ->check(between(0.0, 600.0))
      ->capture_default_str();
  verb->add_option("--repetitions", options->repetitions, "Repetitions of one row")
      ->check(between(30, 1000000))
      ->capture_default_str();
  verb->add_flag("--plan", options->plan, "One line a weight: the kernel it runs on");
  verb->add_flag("--layers", options->layers,
                 "Time each layer and each kind of part, beside the limits of the processor, measured in the same run");
  const auto runtime = std::make_shared<RuntimeOptions>(verb);
  program.on_run(verb, [&program, options, runtime] {
    Json placed = Json::object();
    runtime->add_to(placed);
    const std::optional<Placement> placement = job_placement(placed);
    if (placement) require_usable(*placement);
    const char* engines = options->layers              ? "--layers"
                          : options->plan              ? "--plan"
                          : options->kernels != "best" ? "--kernels"
                                                       : nullptr;
    if (placement && engines) {
      throw Error(ErrorKind::InvalidInput, {.what = "parts and kernels are the engine's",
                                            .where = engines,
                                            .got = describe(*placement),
                                            .wanted = "no --runtime libtorch, --device or --precision beside it",
                                            .next = {}});
    }
    const Model model = open_job_model(options->model);
    const int64_t longest = model.architecture.embedding.max_positions;
    for (const int64_t length : options->lengths) {
      if (length <= longest) continue;
      throw Error(ErrorKind::InvalidInput, {.what = "the model takes no sequence of that length",
                                            .where = "--length",
                                            .got = std::to_string(length),
                                            .wanted = "at most " + std::to_string(longest),
                                            .next = {}});
    }
    if (options->layers && !engine_runs(model.architecture)) {
      throw Error(ErrorKind::Unsupported, {.what = "parts are timed on the engine, which does not run this model",
                                           .where = "--layers",
                                           .got = "recurrent layers",
                                           .wanted = "a Transformer",
                                           .next = "leave --layers out"});
    }
    JobContext context = program.context();
    Json rows = Json::array();
    TextTable table({"form", "batch", "length", "threads", "p10 ms", "p50 ms", "p90 ms", "tokens/s", "GMAC/s"});
    std::vector<PlanEntry> plan;
    std::vector<Profiled> profiles;
    std::string timed_on;  // kernels, or libtorch and how it ran
    const auto form = [&] { return placement ? std::string(to_string(placement->precision)) : main_form(plan); };
    const size_t count = options->batches.size() * options->lengths.size() * options->threads.size();
    for (const int threads : options->threads) {
      std::optional<Engine> engine;
      std::optional<Runtime> libtorch;
      if (!placement && engine_runs(model.architecture)) {
        engine.emplace(model, EngineOptions{.threads = threads, .kernels = kernel_set(options->kernels)});
        plan = engine->plan();
      } else {
        libtorch.emplace(model, threads, placement);
      }
      MachineLimits limits;
      if (options->layers) {
        context.progress.set_stage(fmt::format("what the processor can do on {} thread(s)", threads));
        limits = measure_limits(threads, weight_bytes(plan), program.cancel());
      }
      for (const int64_t length : options->lengths) {
        for (const int64_t batch : options->batches) {
          context.progress.set_stage(fmt::format("batch {}, length {}, {} thread(s)", batch, length, threads));
          context.progress.report(static_cast<double>(rows.size()) / static_cast<double>(count));
          LatencyOptions latency_options;
          latency_options.batch_size = batch;
          latency_options.sequence_length = length;
          latency_options.threads = threads;
          latency_options.repetitions = options->repetitions;
          latency_options.max_seconds = options->seconds;
          const Latency latency = engine ? measure_latency(*engine, model, latency_options, program.cancel())
                                         : libtorch->measure_latency(latency_options, program.cancel());
          Json row = row_json(latency, static_cast<double>(count_macs(model, length) * batch));
          if (options->layers) {
            profiles.push_back({measure_profile(*engine, model, latency_options, program.cancel()), limits});
            row["profile"] = profile_json(profiles.back().profile, limits);
          }
          row["form"] = form();
          row["kernels"] = latency.kernels;
          timed_on = latency.kernels;
          rows.push_back(row);
          table.add({form(), std::to_string(batch), std::to_string(length), std::to_string(threads),
                     fmt::format("{:.3f}", latency.p10_ms), fmt::format("{:.3f}", latency.p50_ms),
                     fmt::format("{:.3f}", latency.p90_ms), count_text(row["tokens_per_second"]),
                     fmt::format("{:.1f}", row["gmacs_per_second"].get<double>())});
        }
      }
    }
    context.progress.report(1);
    const KernelInfo kernels = kernel_info();
    if (program.json()) {
      Json plan_json = Json::array();
      for (const PlanEntry& entry : plan) {
        plan_json.push_back({{"slot", entry.slot}, {"kernel", entry.kernel}, {"resident_bytes", entry.resident_bytes}});
      }
      program.print_json({{"model", display_name(model)},
                          {"rows", rows},
                          {"plan", plan_json},
                          {"kernels", timed_on},
                          {"cpu", kernels.cpu_model},
                          {"onednn", kernels.onednn_version}});
      return;
    }
    fmt::print("{}\n{}, {} cores, {}, oneDNN {}\n\n", display_name(model), kernels.cpu_model, kernels.cores, timed_on,
               kernels.onednn_version);
    table.print();
    for (const Profiled& one : profiles) print_profile(one.profile, one.limits);
    if (plan.empty()) return;
    fmt::print("\n");
    print_plan(plan, options->plan);
  });
}

}  // namespace espalier::cli
