#pragma once
// libtorch reports by c10::Error, whose text carries a stack trace: this turns it into an Error where torch code
// begins.

#include <c10/util/Exception.h>

#include <string>

#include "base/error.h"

namespace espalier {

[[noreturn]] inline void rethrow_torch_error(const c10::Error& error, const std::string& where) {
  const std::string message = error.what_without_backtrace();
  ErrorKind kind = ErrorKind::Internal;
  if (message.find("out of memory") != std::string::npos ||
      message.find("can't allocate memory") != std::string::npos) {
    kind = ErrorKind::OutOfMemory;
  } else if (message.find("CUDA") != std::string::npos) {
    kind = ErrorKind::Device;
  }
  ErrorParts parts{.what = message, .where = where, .got = "", .wanted = "", .next = ""};
  if (kind == ErrorKind::OutOfMemory) parts.next = "use a smaller batch or a shorter maximum length";
  throw Error(kind, parts);
}

// Runs `action`; a c10::Error becomes an Error that names `where`.
template <typename F>
auto with_torch_errors(const std::string& where, F&& action) {
  try {
    return action();
  } catch (const c10::Error& error) {
    rethrow_torch_error(error, where);
  }
}

}  // namespace espalier
