#include "tests/support/onnx_runtime.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>

#include "base/error.h"
#include "base/json.h"
#include "tests/support/support.h"

extern char** environ;

namespace espalier::test {

std::filesystem::path onnx_runtime_dir() {
  const char* found = std::getenv("ESPALIER_ONNXRUNTIME_NODE");
  return found == nullptr ? "" : found;
}

OnnxRuntime::OnnxRuntime(const std::filesystem::path& folder) {
  std::array<int, 2> in{}, out{};
  if (pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0) {
    throw Error(ErrorKind::Io, "no pipes for node");
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  std::string script = (source_dir() / "tests/bench/onnx_runtime.mjs").string();
  std::string where = folder.string();
  std::string node = "node";
  std::array<char*, 4> arguments{node.data(), script.data(), where.data(), nullptr};
  const int failed = posix_spawnp(&process_, "node", &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  to_ = fdopen(in[1], "w");
  from_ = fdopen(out[0], "r");
  if (failed != 0) {
    process_ = -1;
    throw Error(ErrorKind::Io, "node cannot be started");
  }
}

OnnxRuntime::~OnnxRuntime() {
  if (to_) fclose(to_);
  if (from_) fclose(from_);
  if (process_ > 0) waitpid(process_, nullptr, 0);
}

Json OnnxRuntime::ask(const Json& message) {
  const std::string line = message.dump() + "\n";
  if (fwrite(line.data(), 1, line.size(), to_) != line.size() || fflush(to_) != 0) {
    throw Error(ErrorKind::Io, "node does not listen");
  }
  char* reply = nullptr;
  size_t capacity = 0;
  const ssize_t size = getline(&reply, &capacity, from_);
  const std::string text = size > 0 ? std::string(reply, static_cast<size_t>(size)) : "";
  std::free(reply);
  if (text.empty()) throw Error(ErrorKind::Io, "node ended without an answer");
  Json answer = Json::parse(text);
  if (answer.contains("error")) throw Error(ErrorKind::Format, answer.at("error").get<std::string>());
  return answer;
}

std::string OnnxRuntime::open(const std::filesystem::path& model, int threads) {
  return ask({{"open", model.string()}, {"threads", threads}}).at("version");
}

OnnxRuntime::Run OnnxRuntime::run(const std::vector<std::vector<int64_t>>& sequences, bool with_values) {
  const Json answer = ask({{"ids", sequences}, {"logits", with_values}});
  return {answer.at("milliseconds"), answer.at("cpu_milliseconds"), answer.at("shape"), answer.at("logits")};
}

}  // namespace espalier::test
