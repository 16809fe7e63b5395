#pragma once
// What every test may need: folders, the shared oracle data, comparison.

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>

#include "base/error.h"

namespace espalier::test {

// The source tree and the build tree.
std::filesystem::path source_dir();
std::filesystem::path binary_dir();

// Reference data beside the project's root; empty when it is not there. $ESPALIER_SHARED overrides.
std::filesystem::path shared_dir();

// A folder of its own for one test, removed at the end.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Runs `action`, which must throw Error, and gives the error.
Error expect_error(const std::function<void()>& action);

}  // namespace espalier::test

// Skips the test, visibly, when the shared reference data is not there.
#define ESPALIER_REQUIRE_SHARED() \
  if (::espalier::test::shared_dir().empty()) GTEST_SKIP() << "needs ../shared beside the project"
