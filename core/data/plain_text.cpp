#include "data/plain_text.h"

#include <algorithm>
#include <array>

#include "data/source_text.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr int kLinesLookedAt = 20;
constexpr double kTrainingShare = 0.9;

// Lines of the file that begin in [begin, end) of its bytes, as shares.
Dataset load_lines(const fs::path& file, double begin, double end, const CancelToken& cancel) {
  const SourceText source = read_source_text(file);
  const auto size = static_cast<double>(source.text.size());
  LineReader reader(source);
  Dataset dataset;
  std::string_view line;
  while (reader.next(line)) {
    if (reader.number() % 1024 == 1) cancel.throw_if_cancelled();
    const auto at = static_cast<double>(line.data() - source.text.data());
    if (at < begin * size) continue;
    if (at >= end * size) break;
    bool recoded = false;
    Example example;
    example.text = to_utf8(line, recoded);
    if (recoded) ++dataset.recoded;
    dataset.examples.push_back(std::move(example));
  }
  return dataset;
}

SplitSource source_of(const std::string& split, const fs::path& file, double begin, double end) {
  return {split, [file, begin, end](const CancelToken& cancel) { return load_lines(file, begin, end, cancel); },
          [file] { return std::vector<fs::path>{file}; }};
}

void describe(Task& task) {
  task.kind = TaskKind::LanguageModelling;
  task.metric = "perplexity";
  task.metrics = {"perplexity"};
}

}  // namespace

bool is_plain_text(const fs::path& file) {
  constexpr std::array<const char*, 4> kEndings = {".txt", ".text", ".tokens", ".raw"};
  if (std::ranges::find(kEndings, file.extension().string()) == kEndings.end()) return false;
  LineReader reader(read_source_text(file));
  std::string_view line;
  std::ptrdiff_t tabs = -1;
  int lines = 0;
  while (lines < kLinesLookedAt && reader.next(line)) {
    if (without_blanks(line).empty()) continue;
    const std::ptrdiff_t found = std::ranges::count(line, '\t');
    if (found == 0 || (tabs >= 0 && found != tabs)) return true;
    tabs = found;
    ++lines;
  }
  return lines == 0;
}

void open_plain_text(Task& task, const std::map<std::string, fs::path>& file_of_split) {
  describe(task);
  std::vector<SplitSource> sources;
  for (const auto& [split, file] : file_of_split) {
    task.description += split + ": " + file.filename().string() + ". ";
    sources.push_back(source_of(split, file, 0, 1));
  }
  task.description += "Running text for language modelling.";
  set_splits(task, std::move(sources));
}

void open_plain_text(Task& task, const fs::path& one_file) {
  if (const std::string split = split_of(one_file.stem().string()); !split.empty()) {
    return open_plain_text(task, {{split, one_file}});
  }
  describe(task);
  task.description = one_file.filename().string() +
                     ": running text for language modelling; the first nine tenths are train, the rest is dev.";
  set_splits(task, {source_of("train", one_file, 0, kTrainingShare), source_of("dev", one_file, kTrainingShare, 1)});
}

}  // namespace espalier
