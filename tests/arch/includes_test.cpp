// Holds the order of the rooms: includes run downwards only, no Qt in core, no torch in the window.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tests/support/support.h"

namespace espalier::test {
namespace {

namespace fs = std::filesystem;

// What each room may include beside itself; the order of the design, bottom to top.
const std::map<std::string, std::set<std::string>>& allowed_rooms() {
  static const std::map<std::string, std::set<std::string>> rooms = [] {
    const std::vector<std::vector<std::string>> tiers = {{"base"},
                                                         {"formats", "text", "recipe", "jobs"},
                                                         {"model"},
                                                         {"inspect", "data", "engine", "workspace"},
                                                         {"measure", "runtime"},
                                                         {"network"},
                                                         {"introspect", "train"},
                                                         {"compress"},
                                                         {"export"},
                                                         {"job_kinds"}};
    std::map<std::string, std::set<std::string>> result;
    std::set<std::string> below;
    for (const auto& tier : tiers) {
      for (const auto& room : tier) {
        result[room] = below;
        result[room].insert(room);
      }
      below.insert(tier.begin(), tier.end());
    }
    return result;
  }();
  return rooms;
}

struct Include {
  fs::path file;
  int line = 0;
  std::string target;
};

std::vector<Include> includes_below(const fs::path& folder) {
  static const std::regex pattern(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"])");
  std::vector<Include> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const auto extension = entry.path().extension();
    if (extension != ".h" && extension != ".cpp" && extension != ".in") continue;
    std::ifstream file(entry.path());
    std::string text;
    for (int line = 1; std::getline(file, text); ++line) {
      std::smatch match;
      if (std::regex_search(text, match, pattern)) found.push_back({entry.path(), line, match[1]});
    }
  }
  return found;
}

std::string place(const Include& include) {
  return fs::relative(include.file, source_dir()).string() + ":" + std::to_string(include.line) + " includes " +
         include.target;
}

bool is_torch(const std::string& target) {
  return target.starts_with("torch/") || target.starts_with("ATen/") || target.starts_with("c10/");
}

bool is_qt(const std::string& target) {
  return target.size() > 1 && target[0] == 'Q' && target[1] >= 'A' && target[1] <= 'Z';
}

TEST(Includes, RunDownwardsOnly) {
  for (const auto& [room, allowed] : allowed_rooms()) {
    for (const Include& include : includes_below(source_dir() / "core" / room)) {
      const std::string top = include.target.substr(0, include.target.find('/'));
      if (!allowed_rooms().contains(top) || include.target.find('/') == std::string::npos) continue;
      EXPECT_TRUE(allowed.contains(top)) << place(include) << ", which is not below " << room;
    }
  }
}

TEST(Includes, EveryRoomIsKnown) {
  for (const auto& entry : fs::directory_iterator(source_dir() / "core")) {
    if (!entry.is_directory()) continue;
    EXPECT_TRUE(allowed_rooms().contains(entry.path().filename().string())) << entry.path();
    EXPECT_TRUE(fs::exists(entry.path() / "README.md"))
        << entry.path() << " opens with a README of ten lines at the most";
  }
}

TEST(Includes, CoreNeverSeesQt) {
  for (const Include& include : includes_below(source_dir() / "core")) {
    EXPECT_FALSE(is_qt(include.target)) << place(include);
  }
}

TEST(Includes, WindowNeverSeesTorch) {
  const std::set<std::string> torch_rooms = {"network", "introspect", "train", "compress", "job_kinds"};
  for (const char* folder : {"widgets", "app/workbench"}) {
    for (const Include& include : includes_below(source_dir() / folder)) {
      EXPECT_FALSE(is_torch(include.target)) << place(include);
      EXPECT_FALSE(torch_rooms.contains(include.target.substr(0, include.target.find('/')))) << place(include);
    }
  }
}

TEST(Includes, TorchFreeHalfOfCoreNeverSeesTorch) {
  for (const char* room : {"base", "formats", "text", "recipe", "jobs", "model", "inspect", "data", "engine",
                           "workspace", "measure", "runtime", "export"}) {
    for (const Include& include : includes_below(source_dir() / "core" / room)) {
      EXPECT_FALSE(is_torch(include.target)) << place(include);
    }
  }
}

// A header of the torch half that names libtorch is its room's own affair, but for the network's: methods and jobs
// compile quickly.
TEST(Includes, OnlyNetworkHeadersBringTorchToOtherRooms) {
  std::set<std::string> torch_headers;
  for (const char* room : {"introspect", "train", "compress", "job_kinds"}) {
    for (const Include& include : includes_below(source_dir() / "core" / room)) {
      if (include.file.extension() != ".h" || !is_torch(include.target)) continue;
      torch_headers.insert(fs::relative(include.file, source_dir() / "core").string());
    }
  }
  for (const char* folder : {"core", "app"}) {
    for (const Include& include : includes_below(source_dir() / folder)) {
      if (!torch_headers.contains(include.target)) continue;
      const std::string room = include.target.substr(0, include.target.find('/'));
      EXPECT_TRUE(include.file.string().starts_with((source_dir() / "core" / room).string())) << place(include);
    }
  }
}

TEST(Sources, StayUnderFiveHundredLines) {
  for (const char* folder : {"core", "app", "widgets"}) {
    for (const auto& entry : fs::recursive_directory_iterator(source_dir() / folder)) {
      if (entry.path().extension() != ".h" && entry.path().extension() != ".cpp") continue;
      std::ifstream file(entry.path());
      const auto lines = std::count(std::istreambuf_iterator<char>(file), {}, '\n');
      EXPECT_LE(lines, 500) << entry.path();
    }
  }
}

}  // namespace
}  // namespace espalier::test
