// A package of the engine is built and run as the person who gets it would.

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/json.h"
#include "tests/cli/command.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

using test::espalier;
namespace fs = std::filesystem;

// The standard output of a shell command; fails the test when it fails.
std::string shell(const std::string& command) {
  FILE* pipe = ::popen(command.c_str(), "r");
  std::string out;
  std::array<char, 4096> part{};
  while (const size_t size = std::fread(part.data(), 1, part.size(), pipe)) out.append(part.data(), size);
  EXPECT_EQ(::pclose(pipe), 0) << command;
  return out;
}

TEST(ExportEngine, PackageBuildsAndAnswersAsTheEngine) {
  ESPALIER_REQUIRE_LAB_MODEL();
  test::TempDir temp;
  const fs::path folder = temp.path() / "package";
  const auto made = espalier({"export", "lab", "--engine", folder.string(), "--json"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_GT(made.json()["model_bytes"].get<int64_t>(), 0);
  EXPECT_TRUE(fs::exists(folder / "model" / "espalier.json"));
  EXPECT_TRUE(fs::exists(folder / "lib" / "libespalier-engine.so"));

  // The sanitizers' runtime has to come first in a program that is not built with them itself.
  const bool sanitized =
      shell("nm -D " + (folder / "lib/libespalier-engine.so").string()).find("__asan_init") != std::string::npos;
  const std::string flags = sanitized ? " CXXFLAGS='-fsanitize=address,undefined'" : "";
  shell("make -s -C " + folder.string() + flags + " example");
  std::ofstream(temp.path() / "lines") << "The music was lovely.\nThe plot was dreadful.\n";
  const std::string said = shell("cd " + folder.string() + " && ./example model 1 < ../lines");
  EXPECT_EQ(said.find("positive\t"), 0U) << said;
  EXPECT_NE(said.find("\nnegative\t"), std::string::npos) << said;

  // What a package needs of the system beside the compiler's own runtime.
  const std::string needed = shell("objdump -p " + (folder / "lib/libespalier-engine.so").string() + " | grep NEEDED");
  for (const char* absent : {"icu", "fmt", "ssl", "crypto", "libz", "sqlite", "torch", "protobuf"}) {
    EXPECT_EQ(needed.find(absent), std::string::npos) << needed;
  }
}

TEST(ExportEngine, ReplacesAPackageAndNothingElse) {
  ESPALIER_REQUIRE_LAB_MODEL();
  test::TempDir temp;
  const std::string folder = (temp.path() / "package").string();
  ASSERT_EQ(espalier({"export", "lab", "--engine", folder}).exit_code, 0);
  EXPECT_EQ(espalier({"export", "lab", "--engine", folder}).exit_code, 0);
  const fs::path other = temp.path() / "mine";
  fs::create_directories(other);
  std::ofstream(other / "letter.txt") << "Dear";
  const auto refused = espalier({"export", "lab", "--engine", other.string()});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find("package of the engine"), std::string::npos) << refused.err;
  EXPECT_TRUE(fs::exists(other / "letter.txt"));
}

}  // namespace
}  // namespace espalier
