// `espalier doctor`: what is installed, which kernels are in use and what they reach.

#include <fmt/format.h>
#include <cstdlib>
#include <fstream>

#include "app/cli/program.h"
#include "base/error.h"
#include "base/version.h"
#include "compress/method.h"
#include "engine/engine.h"
#include "job_kinds/inputs.h"
#include "job_kinds/resources.h"
#include "measure/cost.h"
#include "train/fine_tune.h"
#include "workspace/workspace.h"

namespace espalier::cli {
namespace {

// One layer of BERT-base: large enough to be ruled by its products.
Model probe_model() {
  Architecture architecture;
  architecture.family = "bert";
  architecture.hidden_size = 768;
  architecture.embedding = {.vocab_size = 256, .max_positions = 128, .type_vocab_size = 2, .pad_token_id = 0};
  LayerSpec layer;
  for (int64_t head = 0; head < 12; ++head) layer.attention.heads.emplace_back(head);
  layer.attention.head_dim = 64;
  layer.ffn.width = 3072;
  architecture.layers = {layer};
  architecture.has_pooler = true;
  architecture.head = {.kind = HeadKind::Classification, .num_labels = 2, .labels = {}};
  return fresh_model(architecture, 1);
}

// Billions of operations a second (a multiply-accumulate is two) of the whole layer, on `threads` threads.
double engine_gflops(const Model& model, int threads, const CancelToken& cancel) {
  const Engine engine(model, {.threads = threads, .kernels = KernelSet::Best});
  LatencyOptions options;
  options.sequence_length = 128;
  options.batch_size = 4;
  options.threads = threads;
  options.max_seconds = 1;
  const Latency latency = measure_latency(engine, model, options, cancel);
  return 2 * static_cast<double>(count_macs(model, 128) * options.batch_size) / latency.p50_ms / 1e6;
}

Model quantized(const Model& model, JobContext& context) {
  const Step step{.method = "quantize.q8", .settings = Json::object(), .scope = {}, .enabled = true};
  return method("quantize.q8").apply(model, step, {}, 1, context).model;
}

double memory_bytes(const std::string& key) {
  std::ifstream in("/proc/meminfo");
  std::string name, unit;
  for (double kilobytes = 0; in >> name >> kilobytes;) {
    std::getline(in, unit);
    if (name == key + ":") return kilobytes * 1024;
  }
  return 0;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "not set" : value;
}

// What a place holds, or why not: the doctor goes on whatever it meets.
template <typename Look>
Json looked_at(const Look& look) {
  try {
    return look();
  } catch (const Error& error) {
    return {{"error", error.what()}};
  }
}

Json examine(Program& program, bool measure) {
  JobContext context = program.context();
  context.progress.set_stage("measuring");
  const KernelInfo kernels = kernel_info();
  const TorchInfo torch = torch_info(measure);
  Json answer = {{"version", kVersion},
                 {"cpu", kernels.cpu_model},
                 {"cores", kernels.cores},
                 {"kernels", kernels.instruction_set},
                 {"onednn", kernels.onednn_version},
                 {"libtorch", torch.version},
                 {"blas", torch.blas},
                 {"cuda", torch.cuda},
                 {"cuda_device", torch.cuda_device},
                 {"memory_bytes", memory_bytes("MemTotal")},
                 {"memory_available_bytes", memory_bytes("MemAvailable")},
                 {"OPENBLAS_CORETYPE", environment("OPENBLAS_CORETYPE")},
                 {"OMP_WAIT_POLICY", environment("OMP_WAIT_POLICY")},
                 {"OMP_NUM_THREADS", environment("OMP_NUM_THREADS")}};
  if (measure) {
    const Model model = probe_model();
    const Model codes = quantized(model, context);
    answer["torch_linear_gflops"] = torch.linear_gflops;
    answer["engine_float32_gflops"] = engine_gflops(model, 1, program.cancel());
    context.progress.report(0.4);
    answer["engine_int8_gflops"] = engine_gflops(codes, 1, program.cancel());
    context.progress.report(0.6);
    answer["engine_float32_all_cores_gflops"] = engine_gflops(model, kernels.cores, program.cancel());
    answer["engine_int8_all_cores_gflops"] = engine_gflops(codes, kernels.cores, program.cancel());
    context.progress.report(1);
  }
  answer["methods"] = methods().size();
  answer["workspace"] = looked_at([]() -> Json {
    const Workspace workspace(default_workspace_folder());
    return {{"folder", workspace.folder().string()}, {"runs", workspace.runs().size()}};
  });
  answer["lab"] = looked_at([]() -> Json {
    const Model model = open_job_model("lab");
    return {{"folder", (resource_folder() / "lab").string()},
            {"model", display_name(model)},
            {"parameters", num_parameters(model)}};
  });
  return answer;
}

void print(const Json& answer) {
  const auto text = [&](const char* key) { return answer.value(key, std::string()); };
  const auto speed = [&](const char* key) { return fmt::format("{:.0f} GFLOP/s", answer.value(key, 0.0)); };
  fmt::print("espalier {}, {} methods\n\n", text("version"), answer.value("methods", 0));
  const auto line = [](const std::string& name, const std::string& value) { fmt::print("{:26} {}\n", name, value); };
  line("processor", fmt::format("{}, {} cores", text("cpu"), answer.value("cores", 0)));
  line("memory", bytes_text(answer.value("memory_bytes", 0.0)) + ", " +
                     bytes_text(answer.value("memory_available_bytes", 0.0)) + " free");
  line("engine", "oneDNN " + text("onednn") + ", kernels " + text("kernels"));
  if (answer.contains("engine_float32_gflops")) {
    line("  float32, 1 thread", speed("engine_float32_gflops"));
    line("  int8, 1 thread", speed("engine_int8_gflops"));
    line("  float32, all cores", speed("engine_float32_all_cores_gflops"));
    line("  int8, all cores", speed("engine_int8_all_cores_gflops"));
  }
  line("training", "libtorch " + text("libtorch") + ", BLAS " + text("blas"));
  if (answer.contains("torch_linear_gflops")) line("  float32 linear", speed("torch_linear_gflops"));
  line("graphics processor", answer.value("cuda", false) ? text("cuda_device") : "none in use");
  for (const char* name : {"OPENBLAS_CORETYPE", "OMP_WAIT_POLICY", "OMP_NUM_THREADS"}) line(name, text(name));
  const Json& workspace = answer.at("workspace");
  line("workspace", workspace.contains("error")
                        ? workspace["error"].get<std::string>()
                        : fmt::format("{}, {} runs", workspace.value("folder", ""), workspace.value("runs", 0)));
  const Json& lab = answer.at("lab");
  line("lab", lab.contains("error") ? lab["error"].get<std::string>()
                                    : fmt::format("{}, {}", lab.value("folder", ""), lab.value("model", "")));
}

}  // namespace

void add_doctor(Program& program) {
  CLI::App* verb = program.add_verb("doctor", "Say what is installed, which kernels are in use and what they reach",
                                    "espalier doctor");
  auto quick = std::make_shared<bool>(false);
  verb->add_flag("--no-measure", *quick, "Do not time anything");
  program.on_run(verb, [&program, quick] {
    const Json answer = examine(program, !*quick);
    if (program.json()) {
      program.print_json(answer);
    } else {
      print(answer);
    }
  });
}

}  // namespace espalier::cli
