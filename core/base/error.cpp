#include "base/error.h"

#include <array>
#include <filesystem>
#include <new>
#include <system_error>

#include "base/json.h"
#include "base/unicode.h"

namespace espalier {
namespace {

constexpr std::array<std::string_view, 7> kKindNames = {"invalid_input", "io",     "format",  "unsupported",
                                                        "out_of_memory", "device", "internal"};

// An offending value may be a whole file: enough of it to be recognised is shown.
constexpr size_t kMaxValueBytes = 300;

std::string shortened(const std::string& value) {
  if (value.size() <= kMaxValueBytes) return value;
  return value.substr(0, kMaxValueBytes) + "...";
}

std::string message_of(const ErrorParts& parts) {
  std::string message;
  if (!parts.where.empty()) message += parts.where + ": ";
  message += parts.what.empty() ? "unknown error" : parts.what;
  if (!parts.got.empty()) message += "; got " + shortened(parts.got);
  if (!parts.wanted.empty()) message += "; wanted " + parts.wanted;
  if (!parts.next.empty()) message += ". " + parts.next;
  return printable_utf8(message);
}

}  // namespace

std::string_view to_string(ErrorKind kind) { return kKindNames.at(static_cast<size_t>(kind)); }

Json to_json(const ErrorInfo& info) {
  return {{"kind", to_string(info.kind)},
          {"message", printable_utf8(info.message)},
          {"detail", printable_utf8(info.detail)}};
}

ErrorInfo error_info_from_json(const Json& json) {
  ErrorInfo info;
  const auto name = json_get<std::string>(json, "kind", "error");
  for (size_t i = 0; i < kKindNames.size(); ++i) {
    if (kKindNames[i] == name) info.kind = static_cast<ErrorKind>(i);
  }
  info.message = json_get<std::string>(json, "message", "error");
  info.detail = json_get_or<std::string>(json, "detail", "", "error");
  return info;
}

Error::Error(ErrorKind kind, const ErrorParts& parts)
    : std::runtime_error(message_of(parts)), kind_(kind), parts_(parts) {}

Error::Error(ErrorKind kind, std::string what) : Error(kind, ErrorParts{std::move(what), "", "", "", ""}) {}

ErrorInfo current_error_info() {
  try {
    throw;
  } catch (const Error& error) {
    return error.info();
  } catch (const std::bad_alloc&) {
    return {ErrorKind::OutOfMemory, "not enough memory; wanted more than the system gives", ""};
  } catch (const std::filesystem::filesystem_error& error) {
    return {ErrorKind::Io, printable_utf8(error.path1().string() + ": " + error.code().message()), error.what()};
  } catch (const std::system_error& error) {
    return {ErrorKind::Io, printable_utf8(error.what()), ""};
  } catch (const std::exception& error) {
    return {ErrorKind::Internal, printable_utf8(error.what()), ""};
  } catch (...) {
    return {ErrorKind::Internal, "an exception of an unknown type", ""};
  }
}

}  // namespace espalier
