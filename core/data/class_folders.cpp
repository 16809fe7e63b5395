#include "data/class_folders.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/source_text.h"
#include "formats/atomic_file.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUnlabelled = "unsup";
constexpr size_t kMaxTextBytes = size_t{1} << 26;

struct ClassFolder {
  std::string label;
  fs::path folder;
};

bool has_text_file(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().extension() == ".txt" && entry->is_regular_file(error)) return true;
  }
  return false;
}

// Sub-folders with text files, by name. Only the first text of each is looked for.
std::vector<ClassFolder> class_folders_of(const fs::path& folder) {
  std::vector<ClassFolder> classes;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->is_directory(error) && has_text_file(entry->path())) {
      classes.push_back({entry->path().filename().string(), entry->path()});
    }
  }
  std::ranges::sort(classes, {}, &ClassFolder::label);
  return classes;
}

std::vector<fs::path> texts_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".txt" && entry.is_regular_file()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

Dataset load_classes(const std::vector<ClassFolder>& classes, const LabelIndex& labels, const CancelToken& cancel) {
  Dataset dataset;
  for (const ClassFolder& each : classes) {
    const int32_t label = labels.find(each.label);
    for (const fs::path& file : texts_of(each.folder)) {
      if (dataset.examples.size() % 64 == 0) cancel.throw_if_cancelled();
      const std::string place = each.label + "/" + file.filename().string();
      if (label < 0) {
        skip_row(dataset.skipped, place, "\"" + each.label + "\" is no label of the task");
        continue;
      }
      if (fs::file_size(file) > kMaxTextBytes) {
        skip_row(dataset.skipped, place, fmt::format("larger than {} bytes", kMaxTextBytes));
        continue;
      }
      bool recoded = false;
      Example example;
      example.text = to_utf8(read_source_text(file).text, recoded);
      example.label = label;
      example.id = place;
      if (recoded) ++dataset.recoded;
      dataset.examples.push_back(std::move(example));
    }
  }
  return dataset;
}

}  // namespace

bool open_class_folders(Task& task, const fs::path& folder, const TaskOptions& options) {
  if (options.kind.value_or(TaskKind::Classification) != TaskKind::Classification) return false;
  std::vector<std::pair<std::string, std::vector<ClassFolder>>> splits;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string split = entry.is_directory() ? split_of(entry.path().filename().string()) : std::string();
    std::vector<ClassFolder> classes = split.empty() ? std::vector<ClassFolder>() : class_folders_of(entry.path());
    if (!classes.empty()) splits.emplace_back(split, std::move(classes));
  }
  const bool one_split = splits.empty();
  if (one_split) splits.emplace_back("train", class_folders_of(folder));
  std::vector<std::string> found;
  bool unlabelled = false;
  for (auto& [split, classes] : splits) {
    unlabelled |= std::erase_if(classes, [](const ClassFolder& each) { return each.label == kUnlabelled; }) > 0;
    for (const ClassFolder& each : classes) found.push_back(each.label);
  }
  if (in_label_order(found).size() < 2) return false;
  const auto labels = std::make_shared<const LabelIndex>(in_label_order(found), options.labels);
  task.kind = TaskKind::Classification;
  task.labels = labels->names();
  task.metric = "accuracy";
  task.metrics = {"accuracy"};
  std::vector<SplitSource> sources;
  for (const auto& [split, classes] : splits) {
    task.description += split + ": " + std::to_string(classes.size()) + " class folders. ";
    sources.push_back(
        {split,
         [classes = classes, labels](const CancelToken& cancel) { return load_classes(classes, *labels, cancel); },
         [classes = classes] {
           std::vector<fs::path> files;
           for (const ClassFolder& each : classes) std::ranges::copy(texts_of(each.folder), std::back_inserter(files));
           return files;
         }});
  }
  task.description += "One text a file; the folder is the label. ";
  if (unlabelled) task.description += "The folder \"unsup\" is left out. ";
  if (one_split) task.description += "One split: it serves as dev too. ";
  task.description += std::to_string(task.labels.size()) + " labels.";
  set_splits(task, std::move(sources), one_split);
  return true;
}

}  // namespace espalier
