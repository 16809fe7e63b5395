#include "formats/atomic_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <system_error>

#include "base/error.h"

namespace espalier {
namespace fs = std::filesystem;
namespace {

// The final place of a folder without a slash at its end.
fs::path normal_target(const fs::path& folder) {
  fs::path target = fs::absolute(folder).lexically_normal();
  if (!target.has_filename()) target = target.parent_path();
  return target;
}

void check_replaceable(const fs::path& target, const Replaceable& replaceable) {
  std::error_code ignored;
  const auto status = fs::symlink_status(target, ignored);
  if (!fs::exists(status)) return;
  if (fs::is_directory(status) && (replaceable.is_one(target) || fs::is_empty(target, ignored))) return;
  throw Error(ErrorKind::InvalidInput,
              {.what = fmt::format("something else than a {} has this name", replaceable.name),
               .where = target.string(),
               .got = fs::is_directory(status) ? fmt::format("a folder that is not a {}", replaceable.name) : "a file",
               .wanted = fmt::format("a new name or a {}", replaceable.name),
               .next = fmt::format("Choose another name: only a {} is replaced.", replaceable.name)});
}

fs::path name_beside(const fs::path& target, const char* purpose) {
  static std::atomic<uint64_t> counter{0};
  return target.parent_path() / fmt::format(".{}.{}-{}.{}", target.filename().string(), ::getpid(), counter++, purpose);
}

[[noreturn]] void throw_rename_error(const fs::path& target, int code) {
  throw Error(ErrorKind::Io, {"the folder cannot be put in place: " + std::generic_category().message(code),
                              target.string(), "", "", "Check that the folder above it may be written to."});
}

// Puts `beside` in the place of `target`. Where the system can exchange two names at once, `target` is always whole.
void put_in_place(const fs::path& beside, const fs::path& target) {
  if (::rename(beside.c_str(), target.c_str()) == 0) return;  // nothing or an empty folder was there
  if (errno != ENOTEMPTY && errno != EEXIST) throw_rename_error(target, errno);
  std::error_code ignored;
  if (::renameat2(AT_FDCWD, beside.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) {
    fs::remove_all(beside, ignored);
    return;
  }
  const fs::path old = name_beside(target, "old");
  if (::rename(target.c_str(), old.c_str()) != 0) throw_rename_error(target, errno);
  if (::rename(beside.c_str(), target.c_str()) != 0) {
    const int code = errno;
    static_cast<void>(::rename(old.c_str(), target.c_str()));
    throw_rename_error(target, code);
  }
  fs::remove_all(old, ignored);
}

}  // namespace

void write_folder_atomically(const fs::path& folder, const Replaceable& replaceable,
                             const std::function<void(const fs::path& beside)>& write) {
  const fs::path target = normal_target(folder);
  check_replaceable(target, replaceable);
  std::error_code code;
  fs::create_directories(target.parent_path(), code);
  const fs::path beside = name_beside(target, "part");
  if (!fs::create_directory(beside, code)) {
    throw Error(ErrorKind::Io, {"the folder cannot be made: " + code.message(), target.string(), "", "",
                                "Check that the folder above it may be written to."});
  }
  try {
    write(beside);
    put_in_place(beside, target);
  } catch (...) {
    fs::remove_all(beside, code);
    throw;
  }
}

}  // namespace espalier
