// Bytes of text a second of processor time on one core, for every tokenizer folder and text given, line by line.
// espalier-text-bench FOLDER... -- TEXT_FILE...

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "text/tokenizer.h"

namespace espalier {
namespace {

constexpr int kRepeats = 5;

std::vector<std::string> lines_of(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw Error(ErrorKind::Io, {.what = "cannot read the text", .where = file});
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

void measure(const std::string& folder, const std::string& file, const std::vector<std::string>& lines) {
  const std::clock_t load_begin = std::clock();
  const auto tokenizer = load_tokenizer(std::filesystem::path(folder));
  const double load_ms = static_cast<double>(std::clock() - load_begin) * 1000 / CLOCKS_PER_SEC;
  size_t bytes = 0;
  for (const std::string& line : lines) bytes += line.size() + 1;
  std::vector<double> rates;
  size_t tokens = 0;
  for (int i = 0; i < kRepeats; ++i) {
    tokens = 0;
    const std::clock_t begin = std::clock();
    for (const std::string& line : lines) tokens += tokenizer->encode(line).size();
    const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    rates.push_back(static_cast<double>(bytes) / 1e6 / seconds);
  }
  std::sort(rates.begin(), rates.end());
  fmt::print("{:30} {:16} {:8.1f} MB/s median ({:.1f} to {:.1f}) {:9} tokens {:7.1f} MB, load {:.0f} ms\n",
             std::filesystem::path(folder).filename().string(), std::filesystem::path(file).filename().string(),
             rates[kRepeats / 2], rates.front(), rates.back(), tokens, static_cast<double>(bytes) / 1e6, load_ms);
}

int run(const std::vector<std::string>& arguments) {
  const auto split = std::find(arguments.begin(), arguments.end(), "--");
  if (split == arguments.end()) {
    fmt::print(stderr, "espalier-text-bench FOLDER... -- TEXT_FILE...\n");
    return 2;
  }
  for (auto file = split + 1; file != arguments.end(); ++file) {
    const std::vector<std::string> lines = lines_of(*file);
    for (auto folder = arguments.begin(); folder != split; ++folder) measure(*folder, *file, lines);
  }
  return 0;
}

}  // namespace
}  // namespace espalier

int main(int argc, char** argv) {
  try {
    return espalier::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
