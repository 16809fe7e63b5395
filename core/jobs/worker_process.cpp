#include "jobs/worker_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <thread>
#include <vector>

extern char** environ;

namespace espalier {
namespace {

constexpr size_t kLastWordsBytes = 4000;

void check(int result, const char* what) {
  if (result != 0) {
    throw Error(ErrorKind::Io, {.what = std::string("cannot ") + what,
                                .where = {},
                                .got = std::generic_category().message(errno),
                                .wanted = {},
                                .next = {}});
  }
}

void make_nonblocking(int fd) { check(fcntl(fd, F_SETFL, O_NONBLOCK) == -1, "set up a stream of the worker"); }

// `added` replaces variables of the same name.
std::vector<std::string> environment_with(const std::vector<std::string>& added) {
  std::vector<std::string> all = added;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable = *entry;
    const std::string_view name = variable.substr(0, variable.find('=') + 1);
    bool replaced = false;
    for (const std::string& ours : added) replaced |= ours.starts_with(name);
    if (!replaced) all.emplace_back(variable);
  }
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

void FileDescriptor::reset() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

WorkerProcess::WorkerProcess(const ProcessRunnerOptions& options) {
  // The input is a socket, not a pipe: writing to a dead worker's socket can be told not to raise SIGPIPE here.
  std::array<int, 2> in, out, err;
  check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in.data()), "make a socket for the worker");
  input_ = FileDescriptor(in[0]);
  const FileDescriptor child_input(in[1]);
  check(pipe2(out.data(), O_CLOEXEC), "make a pipe for the worker");
  output_ = FileDescriptor(out[0]);
  const FileDescriptor child_output(out[1]);
  check(pipe2(err.data(), O_CLOEXEC), "make a pipe for the worker");
  errors_ = FileDescriptor(err[0]);
  const FileDescriptor child_errors(err[1]);
  for (const int fd : {in[0], out[0], err[0]}) make_nonblocking(fd);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[1], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
  // A group of its own: Ctrl+C in the terminal reaches the command line, which then asks the job to stop.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup(&attributes, 0);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);

  std::vector<std::string> arguments = {options.program.string()};
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  std::vector<std::string> environment = environment_with(options.environment);
  const int error = posix_spawn(&pid_, options.program.c_str(), &actions, &attributes, pointers(arguments).data(),
                                pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    pid_ = -1;
    throw Error(ErrorKind::Io, {.what = "cannot start the worker program",
                                .where = options.program.string(),
                                .got = std::generic_category().message(error),
                                .wanted = {},
                                .next = "Check that espalier is installed whole, beside this program."});
  }
}

WorkerProcess::~WorkerProcess() { end(std::chrono::milliseconds(0)); }

void WorkerProcess::send(const std::string& line) {
  unsent_ += line;
  unsent_ += '\n';
  flush();
}

void WorkerProcess::flush() {
  while (!unsent_.empty()) {
    const ssize_t sent = ::send(input_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    // A dead worker is found at the end of its output, where its exit status is at hand.
    if (sent < 0) return unsent_.clear();
    unsent_.erase(0, static_cast<size_t>(sent));
  }
}

bool WorkerProcess::read_stream(int fd, LineSplitter& splitter, const OnLine& on_line) {
  std::array<char, 65536> buffer;
  const ssize_t got = read(fd, buffer.data(), buffer.size());
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return false;
  splitter.feed({buffer.data(), static_cast<size_t>(got)}, on_line);
  return true;
}

bool WorkerProcess::read_output(const OnLine& on_line) { return read_stream(output_.get(), output_lines_, on_line); }

void WorkerProcess::read_errors(const OnLine& on_line) {
  if (errors_.get() < 0) return;
  const auto keep = [&](const std::string& line) {
    last_words_ += line + "\n";
    if (last_words_.size() > kLastWordsBytes) last_words_.erase(0, last_words_.size() - kLastWordsBytes);
    on_line(line);
  };
  if (!read_stream(errors_.get(), error_lines_, keep)) errors_.reset();
}

void WorkerProcess::signal(int number) const {
  if (pid_ > 0) kill(-pid_, number);
}

bool WorkerProcess::has_ended() {
  if (pid_ > 0 && waitpid(pid_, &status_, WNOHANG) == pid_) pid_ = -1;
  return pid_ < 0;
}

std::string WorkerProcess::end(std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!has_ended() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  if (!has_ended()) {
    signal(SIGKILL);
    while (waitpid(pid_, &status_, 0) < 0 && errno == EINTR) continue;
    pid_ = -1;
  }
  if (WIFSIGNALED(status_)) {
    const int number = WTERMSIG(status_);
    return "was killed by signal " + std::to_string(number) + " (" + strsignal(number) + ")";
  }
  return "ended with exit status " + std::to_string(WEXITSTATUS(status_));
}

}  // namespace espalier
