// Latency of the engine at batch 1, length 128: two model shapes, float32 and int8, one and two threads. Every figure
// carries its ratio to a reference measured in the same run: the products alone, and our own float32.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>

#include "engine/engine.h"
#include "engine/kernels/kernels.h"
#include "engine/onednn.h"
#include "tests/bench/forms_bench.h"
#include "tests/engine/random_model.h"

namespace espalier {
namespace {

constexpr int64_t kLength = 128;

struct Shape {
  std::string name;
  int64_t layers;
  int64_t hidden;
  int64_t heads;
  int64_t ffn;
  int64_t vocab;
};

const Shape kMiniLm{"minilm", 6, 384, 12, 1536, 30522};
const Shape kMiniLmPruned{"minilm-25%", 6, 384, 9, 1152, 30522};
const Shape kBertBase{"bert-base", 12, 768, 12, 3072, 30522};

enum class Form { Float, PerToken, PerSequence };

Model make_model(const Shape& shape, Form form) {
  test::ModelShape s;
  s.hidden = shape.hidden;
  s.heads.assign(static_cast<size_t>(shape.layers), shape.heads);
  s.head_dim = shape.hidden / 12;
  s.ffn = shape.ffn;
  s.labels = 2;
  s.vocab = shape.vocab;
  s.positions = 512;
  const Model model = test::random_model(s, 7);
  if (form == Form::Float) return model;
  const ActivationRange range = form == Form::PerToken ? ActivationRange::PerToken : ActivationRange::PerSequence;
  return test::with_weights(
      model, [&](const Slot&, const Tensor& values) { return quantize_symmetric(values, 8, true, range); });
}

// Median seconds by benchmark name, for ratios.
std::map<std::string, double>& medians() {
  static std::map<std::string, double> found;
  return found;
}

// Runs `body` under the harness and keeps its median under `name`.
template <typename Body>
void measure(benchmark::State& state, const std::string& name, Body body) {
  for (int i = 0; i < 5; ++i) body();
  std::vector<double> seconds;
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    body();
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    state.SetIterationTime(seconds.back());
  }
  std::sort(seconds.begin(), seconds.end());
  medians()[name] = seconds[seconds.size() / 2];
  state.counters["median_ms"] = 1e3 * medians()[name];
  state.counters["fastest_ms"] = 1e3 * seconds.front();
  state.counters["p10_ms"] = 1e3 * seconds[seconds.size() / 10];
  state.counters["p90_ms"] = 1e3 * seconds[seconds.size() * 9 / 10];
}

void set_ratio(benchmark::State& state, const std::string& counter, const std::string& reference,
               const std::string& name, bool faster) {
  const auto found = medians().find(reference);
  if (found == medians().end()) return;
  state.counters[counter] = faster ? found->second / medians()[name] : medians()[name] / found->second;
}

// The model's products alone, one thread: what a perfect engine would take.
void products(benchmark::State& state, const Shape& shape, bool integer) {
  onednn::Packer packer;
  struct Product {
    std::shared_ptr<const onednn::PackedMatrix> matrix;
    int64_t depth;
    int64_t columns;
  };
  const int64_t d = shape.hidden;
  const int64_t width = shape.heads * (shape.hidden / 12);
  std::vector<Product> layer;
  double operations = 0;
  for (const auto& [depth, columns] :
       std::vector<std::pair<int64_t, int64_t>>{{d, 3 * width}, {width, d}, {d, shape.ffn}, {shape.ffn, d}}) {
    const std::vector<float> floats(static_cast<size_t>(depth * columns), 0.01F);
    const std::vector<int8_t> codes(static_cast<size_t>(depth * columns), 1);
    layer.push_back({integer ? packer.pack(codes.data(), depth, columns) : packer.pack(floats.data(), depth, columns),
                     depth, columns});
    operations += 2.0 * static_cast<double>(kLength * depth * columns * shape.layers);
  }
  const int64_t widest = std::max(shape.ffn, 3 * d);
  std::vector<float> x(static_cast<size_t>(kLength * widest), 0.01F);
  std::vector<float> y(static_cast<size_t>(kLength * widest));
  const std::vector<float> bias(static_cast<size_t>(widest));
  const std::string name = shape.name + (integer ? "/int8 products" : "/float32 products");
  measure(state, name, [&] {
    for (int64_t l = 0; l < shape.layers; ++l) {
      for (const Product& product : layer) product.matrix->multiply(x.data(), kLength, bias.data(), y.data());
    }
  });
  state.counters["gflops"] = operations / medians()[name] / 1e9;
}

// Attention of one layer of BERT-base, every head of one sequence.
void attention(benchmark::State& state, bool bfloat16) {
  const kernels::Table& table = kernels::fastest_table();
  const auto attend = bfloat16 ? table.attention_in_bfloat16 : table.attention;
  if (!attend) return state.SkipWithError("this processor has no products of bfloat16 pairs");
  const int64_t heads = kBertBase.heads, head_dim = kBertBase.hidden / heads, width = kBertBase.hidden;
  const std::vector<float> qkv(static_cast<size_t>(kLength * 3 * width), 0.01F);
  std::vector<float> out(static_cast<size_t>(kLength * width));
  std::vector<float> scratch(static_cast<size_t>(table.attention_scratch(kLength, head_dim)));
  const std::string name = bfloat16 ? "attention/bfloat16" : "attention/float32";
  measure(state, name, [&] {
    for (int64_t head = 0; head < heads; ++head) {
      kernels::AttentionArgs args{};
      args.q = qkv.data() + head * head_dim;
      args.k = args.q + width;
      args.v = args.k + width;
      args.out = out.data() + head * head_dim;
      args.scratch = scratch.data();
      args.q_stride = args.kv_stride = 3 * width;
      args.out_stride = width;
      args.queries = args.keys = kLength;
      args.head_dim = head_dim;
      args.scale = 0.125F;
      attend(args);
    }
  });
  state.counters["gflops"] = 4e-9 * static_cast<double>(kLength * kLength * width) / medians()[name];
  if (bfloat16) set_ratio(state, "faster_than_float32", "attention/float32", name, true);
}

void forward(benchmark::State& state, const Shape& shape, Form form, int threads, KernelSet kernels) {
  const Model model = make_model(shape, form);
  const Engine engine(model, {threads, kernels});
  const PackedBatch batch = test::random_batch(model.architecture, {kLength}, 3);
  const std::string forms[] = {"/float32", "/int8 per token", "/int8 per sequence"};
  const std::string suffix = std::string(kernels == KernelSet::Avx2 ? "/avx2" : "") + "/threads:";
  const std::string name = shape.name + forms[static_cast<int>(form)] + suffix + std::to_string(threads);
  measure(state, name, [&] { benchmark::DoNotOptimize(engine.run(batch)); });
  int64_t bytes = 0;
  for (const PlanEntry& entry : engine.plan()) bytes += entry.resident_bytes;
  state.counters["packed_MiB"] = static_cast<double>(bytes) / (1 << 20);
  if (threads == 1) {
    set_ratio(state, "to_products", shape.name + (form == Form::Float ? "/float32 products" : "/int8 products"), name,
              false);
  }
  if (form != Form::Float) {
    set_ratio(state, "faster_than_float32",
              kMiniLmPruned.name == shape.name ? kMiniLm.name + "/float32" + suffix + std::to_string(threads)
                                               : shape.name + "/float32" + suffix + std::to_string(threads),
              name, true);
  }
}

template <typename Body>
void add(const std::string& name, Body body) {
  benchmark::RegisterBenchmark(name.c_str(), body)->UseManualTime()->Unit(benchmark::kMillisecond)->MinTime(1.0);
}

void add_all() {
  for (const Shape& shape : {kMiniLm, kBertBase}) {
    for (const bool integer : {false, true}) {
      add(shape.name + (integer ? "/int8 products" : "/float32 products"),
          [=](benchmark::State& state) { products(state, shape, integer); });
    }
  }
  for (const bool bfloat16 : {false, true}) {
    add(bfloat16 ? "attention/bfloat16" : "attention/float32",
        [=](benchmark::State& state) { attention(state, bfloat16); });
  }
  for (const Shape& shape : {kMiniLm, kBertBase, kMiniLmPruned}) {
    for (const int threads : {1, 2}) {
      for (const Form form : {Form::Float, Form::PerToken, Form::PerSequence}) {
        const std::string forms[] = {"/float32", "/int8 per token", "/int8 per sequence"};
        add(shape.name + forms[static_cast<int>(form)] + "/threads:" + std::to_string(threads),
            [=](benchmark::State& state) { forward(state, shape, form, threads, KernelSet::Best); });
      }
    }
  }
  for (const Form form : {Form::Float, Form::PerToken}) {
    add(std::string("minilm/avx2") + (form == Form::Float ? "/float32" : "/int8 per token"),
        [=](benchmark::State& state) { forward(state, kMiniLm, form, 1, KernelSet::Avx2); });
  }
}

}  // namespace
}  // namespace espalier

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  const espalier::KernelInfo info = espalier::kernel_info();
  benchmark::AddCustomContext("processor", info.cpu_model);
  benchmark::AddCustomContext("kernels", info.instruction_set);
  benchmark::AddCustomContext("onednn", info.onednn_version);
  espalier::add_all();
  espalier::bench::add_forms();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
