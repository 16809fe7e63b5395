#include "workspace/process_identity.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <string>

namespace espalier {
namespace {

// Field 22 of /proc/N/stat; fields are counted after the name, which may hold spaces and brackets. Empty when the
// process is gone (a zombie has ended too) or the system has no /proc.
std::string start_time(long pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  const size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream fields(line.substr(name_end + 1));
  std::string field;
  for (int i = 3; i <= 22 && fields >> field; ++i) {
    if (i == 3 && (field == "Z" || field == "X")) return {};
  }
  return field;
}

}  // namespace

std::string process_identity() { return std::to_string(getpid()) + " " + start_time(getpid()); }

bool is_running(const std::string& identity) {
  std::istringstream parts(identity);
  long pid = 0;
  std::string started;
  parts >> pid >> started;
  if (pid <= 0) return false;
  if (!started.empty()) return start_time(pid) == started;
  return kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM;
}

}  // namespace espalier
