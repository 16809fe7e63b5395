// The engine against ONNX Runtime on the same model, in turn within one process's run: A B A B. A drift of the machine
// meets both, so the ratio of medians can be trusted where times cannot. Each turn begins with a call that is not
// timed: what is compared is a runtime at work, its threads awake. espalier-peer-bench [--rounds N] [--threads 1,2]
// [--shapes bert-base,bert-small,minilm] [--batches 1,8,32] Then a whole evaluation: a fine-tuned MiniLM on SST-2's dev
// set, where both are there. We pack sequences of like length, the peer gets batches of 32 in the order of the data,
// each padded to its longest. ONNX Runtime: $ESPALIER_ONNXRUNTIME_NODE, a folder in which `npm install
// onnxruntime-node` was run; without it the engine runs alone and the table says so.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <ctime>
#include <fstream>
#include <optional>
#include <thread>

#include "engine/engine.h"
#include "export/onnx.h"
#include "measure/evaluate.h"
#include "model/model.h"
#include "tests/engine/random_model.h"
#include "tests/support/onnx_runtime.h"
#include "tests/support/support.h"
#include "text/tokenizer.h"

namespace espalier {
namespace {

struct Options {
  int rounds = 15;
  std::vector<int> threads = {1, 2};
  std::vector<std::string> shapes = {"minilm", "bert-small", "bert-base"};
  std::vector<std::string> forms = {"float32", "int8"};
  std::vector<int64_t> batches = {1, 8, 32};
  bool ragged = true;
  bool evaluation = true;
};

Model in_form(const Model& model, const std::string& form) {
  if (form == "float32") return model;
  return test::with_weights(model, [](const Slot&, const Tensor& values) {
    return quantize_symmetric(values, 8, true, ActivationRange::PerToken);
  });
}

Model make_model(const std::string& shape, const std::string& form) {
  test::ModelShape s;
  s.vocab = 30522;
  s.positions = 512;
  s.labels = 2;
  s.hidden = shape == "minilm" ? 384 : shape == "bert-small" ? 512 : 768;
  s.heads.assign(shape == "minilm" ? 6 : shape == "bert-small" ? 4 : 12, shape == "bert-small" ? 8 : 12);
  s.head_dim = s.hidden / s.heads.front();
  s.ffn = 4 * s.hidden;
  return in_form(test::random_model(s, 7), form);
}

// The first sentences of SST-2's dev set, all for a negative count; none without it.
EncodedDataset sst2_sentences(int64_t count) {
  const auto shared = test::shared_dir();
  EncodedDataset data;
  if (shared.empty()) return data;
  const auto tokenizer = load_tokenizer(shared / "models/minilm-l6-sst2");
  std::ifstream in(shared / "data/sst2/dev.tsv");
  std::string line;
  std::getline(in, line);
  while (std::ssize(data.examples) != count && std::getline(in, line)) {
    data.examples.emplace_back().encoding = tokenizer->encode(line.substr(0, line.find('\t')));
  }
  return data;
}

// Their lengths in tokens, markers counted.
std::vector<int64_t> ragged_lengths(int64_t count) {
  std::vector<int64_t> lengths;
  for (const EncodedExample& example : sst2_sentences(count).examples) {
    lengths.push_back(std::ssize(example.encoding.ids));
  }
  return lengths;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Of one side, milliseconds.
struct Times {
  std::vector<double> wall, cpu;
};

struct Result {
  Times engine, peer;  // peer: empty without one
  double difference = 0;
};

double cpu_milliseconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

Result compare(const Engine& engine, const PackedBatch& batch, test::OnnxRuntime* peer, int rounds) {
  std::vector<std::vector<int64_t>> sequences;
  for (int64_t b = 0; b < batch.num_sequences(); ++b) {
    const auto at = static_cast<size_t>(b);
    sequences.emplace_back(batch.ids.begin() + batch.starts[at], batch.ids.begin() + batch.starts[at + 1]);
  }
  Result result;
  for (int round = -2; round < rounds; ++round) {
    engine.run(batch);
    const auto begin = std::chrono::steady_clock::now();
    const double cpu_begin = cpu_milliseconds();
    const Tensor logits = engine.run(batch).logits;
    const double cpu = cpu_milliseconds() - cpu_begin;
    const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    if (round >= 0) {
      result.engine.wall.push_back(ms);
      result.engine.cpu.push_back(cpu);
    }
    if (!peer) continue;
    peer->run(sequences, false);
    const auto answer = peer->run(sequences, round == -1);
    if (round >= 0) {
      result.peer.wall.push_back(answer.milliseconds);
      result.peer.cpu.push_back(answer.cpu_milliseconds);
    }
    if (round == -1) {
      result.difference = test::difference(logits, Tensor::from(Shape(answer.shape), answer.values));
    }
    // Threads of the other side that still look for work must not meet our turn.
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return result;
}

// One thread's processor time bears other programs on the machine; of several threads it counts waiting too.
void print_row(const std::string& shape, const std::string& form, int threads, const std::string& batch,
               const std::string& length, const Result& result) {
  const auto print = [](const Times& times) {
    fmt::print(" {:>10.2f} {:>10.2f}", median(times.wall), median(times.cpu));
  };
  fmt::print("{:11} {:8} {:>7} {:>6} {:>7}", shape, form, threads, batch, length);
  print(result.engine);
  if (!result.peer.wall.empty()) {
    print(result.peer);
    fmt::print(" {:>8.2f} {:>8.2f} {:>10.1e}", median(result.peer.wall) / median(result.engine.wall),
               median(result.peer.cpu) / median(result.engine.cpu), result.difference);
  }
  fmt::print("\n");
  std::fflush(stdout);
}

// The exported graph gets no token types, so all are 0.
PackedBatch batch_of(const Model& model, const std::vector<int64_t>& lengths) {
  PackedBatch batch = test::random_batch(model.architecture, lengths, 3);
  std::fill(batch.type_ids.begin(), batch.type_ids.end(), 0);
  return batch;
}

double wall_milliseconds(const std::function<void()>& action) {
  const auto begin = std::chrono::steady_clock::now();
  action();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

// Examples a second over the whole set, tokenized before.
void compare_evaluation(const Options& options, test::OnnxRuntime* peer, const std::filesystem::path& file) {
  constexpr size_t kPeerBatch = 32;
  const EncodedDataset data = sst2_sentences(-1);
  if (data.examples.empty()) {
    fmt::print("no evaluation: the data set and the model are not there\n");
    return;
  }
  std::vector<std::vector<std::vector<int64_t>>> batches;
  for (size_t i = 0; i < data.examples.size(); ++i) {
    if (i % kPeerBatch == 0) batches.emplace_back();
    const std::vector<TokenId>& ids = data.examples[i].encoding.ids;
    batches.back().emplace_back(ids.begin(), ids.end());
  }
  const Model tuned = open_model(test::shared_dir() / "models/minilm-l6-sst2");
  fmt::print("\nevaluation of MiniLM-L6 on SST-2 dev, {} sentences; examples a second, medians of {} rounds in turn\n",
             data.examples.size(), options.rounds);
  fmt::print("{:8} {:>7} {:>10} {:>14} {:>8}\n", "form", "threads", "engine", "ort, padded", "ratio");
  for (const std::string& form : options.forms) {
    const Model model = in_form(tuned, form);
    JobContext context;
    if (peer) export_onnx(model, file, {}, context);
    for (const int threads : options.threads) {
      const Engine engine(model, {threads});
      if (peer) peer->open(file, threads);
      std::vector<double> own, other;
      for (int round = -1; round < options.rounds; ++round) {
        const double ms = wall_milliseconds([&] { predict(engine, data, context); });
        double peer_ms = 0;
        for (const auto& batch : batches) {
          if (peer) peer_ms += peer->run(batch, false).milliseconds;
        }
        if (round < 0) continue;
        own.push_back(ms);
        other.push_back(peer_ms);
      }
      const double examples = 1e3 * static_cast<double>(data.examples.size());
      fmt::print("{:8} {:>7} {:>10.0f}", form, threads, examples / median(own));
      if (peer) fmt::print(" {:>14.0f} {:>8.2f}", examples / median(other), median(other) / median(own));
      fmt::print("\n");
      std::fflush(stdout);
    }
  }
}

void run(const Options& options) {
  const auto folder = test::onnx_runtime_dir();
  std::optional<test::OnnxRuntime> peer;
  if (!folder.empty()) peer.emplace(folder);
  const KernelInfo info = kernel_info();
  fmt::print("{}, kernels {}, oneDNN {}; {} rounds in turn\n", info.cpu_model, info.instruction_set,
             info.onednn_version, options.rounds);
  if (!peer) fmt::print("the engine alone: ONNX Runtime is not installed ($ESPALIER_ONNXRUNTIME_NODE)\n");
  fmt::print("{:11} {:8} {:>7} {:>6} {:>7} {:>10} {:>10}", "shape", "form", "threads", "batch", "length", "engine ms",
             "cpu ms");
  if (peer) fmt::print(" {:>10} {:>10} {:>8} {:>8} {:>10}", "ort ms", "cpu ms", "ratio", "of cpu", "difference");
  fmt::print("\n");
  const test::TempDir directory;
  for (const std::string& shape : options.shapes) {
    for (const std::string& form : options.forms) {
      const Model model = make_model(shape, form);
      JobContext context;
      const auto file = directory.path() / "model.onnx";
      if (peer) export_onnx(model, file, {}, context);
      for (const int threads : options.threads) {
        const Engine engine(model, {threads});
        if (peer) peer->open(file, threads);
        for (const int64_t size : options.batches) {
          const std::vector<int64_t> lengths(static_cast<size_t>(size), 128);
          const PackedBatch batch = batch_of(model, lengths);
          print_row(shape, form, threads, std::to_string(size), "128",
                    compare(engine, batch, peer ? &*peer : nullptr, options.rounds));
        }
        const std::vector<int64_t> lengths = options.ragged ? ragged_lengths(32) : std::vector<int64_t>();
        if (lengths.empty()) continue;
        print_row(shape, form, threads, "32", "sst2",
                  compare(engine, batch_of(model, lengths), peer ? &*peer : nullptr, options.rounds));
      }
    }
  }
  if (options.evaluation) compare_evaluation(options, peer ? &*peer : nullptr, directory.path() / "model.onnx");
}

}  // namespace
}  // namespace espalier

int main(int argc, char** argv) {
  CLI::App app("The engine against ONNX Runtime, in turn");
  espalier::Options options;
  app.add_option("--rounds", options.rounds)->check(CLI::PositiveNumber);
  app.add_option("--threads", options.threads)->delimiter(',');
  app.add_option("--shapes", options.shapes)->delimiter(',');
  app.add_option("--forms", options.forms)->delimiter(',');
  app.add_option("--batches", options.batches)->delimiter(',');
  app.add_option("--ragged", options.ragged);
  app.add_option("--evaluation", options.evaluation);
  CLI11_PARSE(app, argc, argv);
  try {
    espalier::run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
