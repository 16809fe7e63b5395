#include "tests/support/support.h"

#include <unistd.h>

#include <cstdlib>

namespace espalier::test {
namespace fs = std::filesystem;

fs::path source_dir() { return ESPALIER_SOURCE_DIR; }
fs::path binary_dir() { return ESPALIER_BINARY_DIR; }

fs::path shared_dir() {
  if (const char* chosen = std::getenv("ESPALIER_SHARED")) return chosen;
  const fs::path beside = source_dir().parent_path() / "shared";
  return fs::exists(beside / "oracle") ? beside : fs::path();
}

TempDir::TempDir() {
  std::string pattern = (fs::temp_directory_path() / "espalier-test-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw Error(ErrorKind::Io, "cannot make a temporary folder");
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

Error expect_error(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "expected an Error, nothing was thrown";
  return Error(ErrorKind::Internal, "nothing was thrown");
}

}  // namespace espalier::test
