// Cold start: from the start of a process to its first answer, one thread, on a bundle of BERT-base's shape in int8.
// Each round starts a process anew; the files are in the system's cache from the second round on. What the process
// holds is read from /proc/self/status after its first answer. espalier-cold-bench [--rounds N] [--form int8|float32]
// [--folder FOLDER to keep the bundle in]

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <ctime>
#include <fstream>
#include <map>
#include <sstream>

#include "base/runtime_environment.h"
#include "engine/engine.h"
#include "tests/engine/random_model.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

// Nanoseconds on a clock that all processes share.
int64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

void make_bundle(const fs::path& folder, const std::string& form) {
  test::ModelShape s;
  s.vocab = 30522;
  s.positions = 512;
  s.labels = 2;
  s.hidden = 768;
  s.heads.assign(12, 12);
  s.head_dim = 64;
  s.ffn = 3072;
  const Model model = test::random_model(s, 7);
  save_bundle(form == "float32"
                  ? model
                  : test::with_weights(model,
                                       [](const Slot&, const Tensor& values) {
                                         return quantize_symmetric(values, 8, true, ActivationRange::PerToken);
                                       }),
              folder);
}

// Kilobytes by name.
std::map<std::string, int64_t> memory_lines() {
  std::ifstream in("/proc/self/status");
  std::map<std::string, int64_t> lines;
  for (std::string line; std::getline(in, line);) {
    const size_t colon = line.find(':');
    if (line.starts_with("Vm") || line.starts_with("Rss"))
      lines[line.substr(0, colon)] = std::stoll(line.substr(colon + 1));
  }
  return lines;
}

double cpu_milliseconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return 1e3 * static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_nsec);
}

// The process that is started: one line of milliseconds since `begin`, of processor time and of kilobytes.
void answer(const std::string& folder, int64_t begin) {
  const auto since = [&] { return 1e-6 * static_cast<double>(now() - begin); };
  const double started = since();
  const Model model = open_model(folder);
  const double opened = since();
  const Engine engine(model, {.threads = 1});
  const double packed = since();
  const double packed_cpu = cpu_milliseconds();
  const Tensor logits = engine.run(test::random_batch(model.architecture, {128}, 3)).logits;
  const double answered = since();
  const double answered_cpu = cpu_milliseconds();
  engine.run(test::random_batch(model.architecture, {128}, 4));
  const double again = since();
  std::map<std::string, int64_t> memory = memory_lines();
  fmt::print("{} {} {} {} {} {} {} {} {} {} {} {}\n", started, opened, packed, answered, again, packed_cpu,
             answered_cpu, memory["VmRSS"], memory["VmHWM"], memory["RssAnon"], memory["RssFile"], logits.value_at(0));
}

std::string output_of(const std::vector<std::string>& arguments) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t pid = 0;
  const int failed = posix_spawn(&pid, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  std::string text;
  char block[4096];
  for (ssize_t got = 0; failed == 0 && (got = read(ends[0], block, sizeof block)) > 0;) {
    text.append(block, static_cast<size_t>(got));
  }
  close(ends[0]);
  int status = 0;
  if (failed != 0 || waitpid(pid, &status, 0) != pid || status != 0) throw std::runtime_error("the process failed");
  return text;
}

void measure(const std::string& folder, int rounds) {
  // Of a busy machine the processor's time says more than the clock's.
  const char* const names[] = {
      "process started ms", "bundle opened ms", "packed ms", "first answer ms", "second answer ms", "packed, cpu ms",
      "answered, cpu ms",   "resident kB",      "peak kB",   "anonymous kB",    "mapped kB"};
  std::vector<std::vector<double>> columns(std::size(names));
  for (int round = 0; round < rounds; ++round) {
    std::istringstream line(output_of({"cold", "--answer", folder, "--begin", std::to_string(now())}));
    for (std::vector<double>& column : columns) line >> column.emplace_back();
  }
  const KernelInfo info = kernel_info();
  fmt::print("{}, kernels {}, oneDNN {}, one thread, 128 tokens, {} processes in turn\n", info.cpu_model,
             info.instruction_set, info.onednn_version, rounds);
  for (size_t i = 0; i < columns.size(); ++i) {
    std::ranges::sort(columns[i]);
    fmt::print("{:20} median {:>10.1f}  least {:>10.1f}  most {:>10.1f}\n", names[i], columns[i][columns[i].size() / 2],
               columns[i].front(), columns[i].back());
  }
}

}  // namespace
}  // namespace espalier

int main(int argc, char** argv) {
  espalier::ensure_runtime_environment(argv);
  CLI::App app("From the start of a process to its first answer");
  int rounds = 7;
  int64_t begin = 0;
  std::string form = "int8", folder, answered;
  app.add_option("--rounds", rounds)->check(CLI::PositiveNumber);
  app.add_option("--form", form)->check(CLI::IsMember({"int8", "float32"}));
  app.add_option("--folder", folder);
  app.add_option("--answer", answered)->group("");
  app.add_option("--begin", begin)->group("");
  CLI11_PARSE(app, argc, argv);
  try {
    if (!answered.empty()) {
      espalier::answer(answered, begin);
      return 0;
    }
    const espalier::test::TempDir beside;
    if (folder.empty()) folder = (beside.path() / "bundle").string();
    if (!espalier::is_bundle(folder)) espalier::make_bundle(folder, form);
    espalier::measure(folder, rounds);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
