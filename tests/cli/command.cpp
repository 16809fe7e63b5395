#include "tests/cli/command.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "base/json.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

struct Pipe {
  int read = -1, write = -1;
  Pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    read = ends[0];
    write = ends[1];
  }
};

}  // namespace

Json CommandResult::json() const {
  Json value = Json::parse(out, nullptr, false);
  EXPECT_FALSE(value.is_discarded()) << "stdout is no JSON: " << out;
  return value;
}

CommandResult espalier(const std::vector<std::string>& arguments, const std::string& input,
                       const std::function<int(const std::string&)>& on_output) {
  const std::string program = (binary_dir() / "bin" / "espalier").string();
  std::vector<char*> argv = {const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  Pipe in, out, err;
  const pid_t child = fork();
  if (child == 0) {
    dup2(in.read, STDIN_FILENO);
    dup2(out.write, STDOUT_FILENO);
    dup2(err.write, STDERR_FILENO);
    execv(program.c_str(), argv.data());
    _exit(127);
  }
  close(in.read);
  close(out.write);
  close(err.write);
  std::signal(SIGPIPE, SIG_IGN);
  CommandResult result;
  size_t written = 0;
  std::array<pollfd, 3> ends = {{{out.read, POLLIN, 0}, {err.read, POLLIN, 0}, {in.write, POLLOUT, 0}}};
  if (input.empty()) {
    close(in.write);
    ends[2].fd = -1;
  }
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    poll(ends.data(), ends.size(), -1);
    for (size_t i = 0; i < 2; ++i) {
      if (ends[i].fd < 0 || ends[i].revents == 0) continue;
      std::array<char, 65536> buffer{};
      const ssize_t count = read(ends[i].fd, buffer.data(), buffer.size());
      if (count <= 0) {
        close(ends[i].fd);
        ends[i].fd = -1;
        continue;
      }
      (i == 0 ? result.out : result.err).append(buffer.data(), static_cast<size_t>(count));
      const int number = i == 0 && on_output ? on_output(result.out) : 0;
      if (number != 0) kill(child, number);
    }
    if (ends[2].fd >= 0 && ends[2].revents != 0) {
      const ssize_t count = write(ends[2].fd, input.data() + written, std::min<size_t>(input.size() - written, 4096));
      if (count > 0) written += static_cast<size_t>(count);
      if (count <= 0 || written == input.size()) {
        close(ends[2].fd);
        ends[2].fd = -1;
      }
    }
  }
  int status = 0;
  waitpid(child, &status, 0);
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

bool has_lab_model() { return std::filesystem::exists(source_dir() / "resources" / "lab" / "espalier.json"); }

}  // namespace espalier::test
