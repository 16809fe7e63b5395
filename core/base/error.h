#pragma once
// Errors inside core are exceptions; at a seam (job, command line, Qt slot) they become ErrorInfo values.

#include <stdexcept>
#include <string>
#include <string_view>

#include "base/json_fwd.h"

namespace espalier {

enum class ErrorKind { InvalidInput, Io, Format, Unsupported, OutOfMemory, Device, Internal };

std::string_view to_string(ErrorKind kind);

// What an error says. `what` is required, the rest is left out of the message when empty.
struct ErrorParts {
  std::string what;         // what went wrong, as a clause: "tensor data overlaps"
  std::string where = {};   // file, key, line or tensor
  std::string got = {};     // the offending value
  std::string wanted = {};  // what would have been right
  std::string next = {};    // what the reader can do about it
};

// A plain copy of an error that may cross threads, processes and libraries.
struct ErrorInfo {
  ErrorKind kind = ErrorKind::Internal;
  std::string message;  // one paragraph, for people
  std::string detail;   // more for the log (a library's own message), may be empty
};

Json to_json(const ErrorInfo& info);
ErrorInfo error_info_from_json(const Json& json);

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const ErrorParts& parts);
  Error(ErrorKind kind, std::string what);

  ErrorKind kind() const { return kind_; }
  const ErrorParts& parts() const { return parts_; }
  ErrorInfo info() const { return {kind_, what(), ""}; }

 private:
  ErrorKind kind_;
  ErrorParts parts_;
};

// Not a failure: the final state of work that a person stopped.
class Cancelled : public std::exception {
 public:
  const char* what() const noexcept override { return "cancelled"; }
};

// The value of whatever exception is being handled; call inside a catch block only.
// Cancelled must be caught before. std::bad_alloc becomes OutOfMemory.
ErrorInfo current_error_info();

}  // namespace espalier
