#include "data/parallel_text.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "data/source_text.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

// "de", "zh", "pt_BR", "zh-Hans": two or three small letters, perhaps a region.
bool is_language(const std::string& name) {
  const size_t letters = std::min(name.find_first_of("_-"), name.size());
  if (letters < 2 || letters > 3 || name.size() > 8) return false;
  return std::all_of(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(letters),
                     [](char c) { return c >= 'a' && c <= 'z'; }) &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; });
}

// Files of each split by language.
std::map<std::string, std::map<std::string, fs::path>> language_files(const fs::path& folder) {
  static const std::set<std::string> kOther = {"txt", "tsv", "csv", "md", "gz", "zip", "py", "sh", "tgz", "tar", "xml"};
  std::map<std::string, std::map<std::string, fs::path>> splits;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string ending = entry.path().extension().string();
    const std::string language = ending.empty() ? ending : ending.substr(1);
    // Test sets go by names of their own ("test_2016_flickr").
    const std::string stem = entry.path().stem().string();
    const std::string split = split_of(stem).empty() ? stem : split_of(stem);
    if (!is_language(language) || kOther.contains(language) || !entry.is_regular_file()) continue;
    splits[split].emplace(language, entry.path());
  }
  std::erase_if(splits, [](const auto& split) { return split.second.size() < 2; });
  return splits;
}

Dataset load_pairs(const fs::path& source_file, const fs::path& target_file, const CancelToken& cancel) {
  LineReader source(read_source_text(source_file)), target(read_source_text(target_file));
  Dataset dataset;
  std::string_view line, translation;
  for (;;) {
    const bool has_source = source.next(line);
    const bool has_target = target.next(translation);
    if (!has_source && !has_target) return dataset;
    const int64_t number = has_source ? source.number() : target.number();
    if (number % 1024 == 1) cancel.throw_if_cancelled();
    const std::string place = "line " + std::to_string(number);
    if (!has_source || !has_target) {
      skip_row(dataset.skipped, place,
               "no such line in " + (has_source ? target_file : source_file).filename().string());
      continue;
    }
    if (without_blanks(line).empty() || without_blanks(translation).empty()) {
      skip_row(dataset.skipped, place, "empty in one of the languages");
      continue;
    }
    bool recoded = false;
    Example example;
    example.text = to_utf8(line, recoded);
    example.pair = to_utf8(translation, recoded);
    example.has_pair = true;
    if (recoded) ++dataset.recoded;
    dataset.examples.push_back(std::move(example));
  }
}

std::string joined(const std::set<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return all;
}

}  // namespace

bool open_parallel_text(Task& task, const fs::path& folder, const TaskOptions& options) {
  if (options.kind.value_or(TaskKind::Translation) != TaskKind::Translation) return false;
  const auto splits = language_files(folder);
  if (splits.empty()) return false;
  std::set<std::string> languages;
  for (const auto& [split, files] : splits) {
    for (const auto& [language, file] : files) languages.insert(language);
  }
  std::string source = options.source_language, target = options.target_language;
  for (const std::string& language : languages) {
    if (languages.size() != 2) break;
    if (source.empty() && language != target) {
      source = language;
    } else if (target.empty() && language != source) {
      target = language;
    }
  }
  if (!languages.contains(source) || !languages.contains(target) || source == target) {
    throw Error(ErrorKind::InvalidInput,
                {.what = "the two languages of the translation are not clear",
                 .where = folder.string(),
                 .got = source.empty() && target.empty() ? "" : "from \"" + source + "\" to \"" + target + "\"",
                 .wanted = "two of " + joined(languages),
                 .next = "Name them: espalier inspect FOLDER --source-language de --target-language en --save."});
  }
  std::vector<SplitSource> sources;
  for (const auto& [split, files] : splits) {
    if (!files.contains(source) || !files.contains(target)) continue;
    const fs::path from = files.at(source), to = files.at(target);
    task.description += split + ": " + from.filename().string() + " and " + to.filename().string() + ". ";
    sources.push_back({split, [from, to](const CancelToken& cancel) { return load_pairs(from, to, cancel); },
                       [from, to] {
                         return std::vector<fs::path>{from, to};
                       }});
  }
  if (sources.empty()) return false;
  task.kind = TaskKind::Translation;
  task.metric = "bleu";
  task.metrics = {"bleu"};
  task.description += "Translation from " + source + " to " + target + ", line by line.";
  set_splits(task, std::move(sources));
  return true;
}

}  // namespace espalier
