#include "data/task.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "data/class_folders.h"
#include "data/dataset_card.h"
#include "data/intents.h"
#include "data/lab.h"
#include "data/parallel_text.h"
#include "data/plain_text.h"
#include "data/squad.h"
#include "data/superglue.h"
#include "data/table.h"
#include "data/table_task.h"
#include "data/tagged_words.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using SplitFiles = std::map<std::string, fs::path>;

bool is_tagged_name(const fs::path& file) {
  const std::string ending = file.extension().string();
  return ending == ".conll" || ending == ".bio" || ending == ".iob" || ending == ".iob2";
}

bool is_data_file(const fs::path& file) {
  static const std::vector<std::string> kOther = {"README", "LICENSE", "LICENCE", "NOTICE", "CHANGELOG"};
  std::string stem = file.stem().string();
  std::transform(stem.begin(), stem.end(), stem.begin(), [](unsigned char c) { return std::toupper(c); });
  if (file.filename() == kDatasetCardName || std::ranges::find(kOther, stem) != kOther.end()) return false;
  const std::string ending = file.extension().string();
  return is_table_file(file) || is_tagged_name(file) || ending == ".text" || ending == ".tokens" || ending == ".raw";
}

std::vector<fs::path> data_files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file() && is_data_file(entry.path())) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

bool is_kind(const TaskOptions& options, TaskKind kind) { return options.kind == kind; }

// Files that are splits of one task, or one file.
void open_files(Task& task, const SplitFiles& files, bool one_file, const TaskOptions& options) {
  const bool tags_wanted = is_kind(options, TaskKind::TokenClassification);
  const auto all = [&](auto&& is) {
    return std::ranges::all_of(files, [&](const auto& each) { return is(each.second); });
  };
  if (open_squad(task, files, one_file, options)) return;
  if (open_superglue(task, files, one_file, options)) return;
  if (all([&](const fs::path& file) { return is_tagged_words(file, tags_wanted || is_tagged_name(file)); }) &&
      (tags_wanted || !options.kind)) {
    return open_tagged_words(task, files, one_file, options);
  }
  const bool chosen = !options.text_column.empty() || !options.label_column.empty();
  if (is_kind(options, TaskKind::LanguageModelling) ||
      (!options.kind && !chosen && all([](const fs::path& file) { return is_plain_text(file); }))) {
    return one_file ? open_plain_text(task, files.begin()->second) : open_plain_text(task, files);
  }
  if (options.kind && *options.kind != TaskKind::Classification && *options.kind != TaskKind::Regression) {
    throw Error(ErrorKind::InvalidInput, {.what = "the files cannot be read as the kind of task that is asked for",
                                          .where = files.begin()->second.string(),
                                          .got = std::string(to_string(*options.kind))});
  }
  open_tables(task, files, one_file, options);
  if (one_file) task.description += " One file: it serves as dev too.";
}

void open_one_file(Task& task, const fs::path& file, const TaskOptions& options) {
  if (open_intents(task, file, options)) return;
  const std::string split = split_of(file.stem().string());
  open_files(task, {{split.empty() ? "dev" : split, file}}, true, options);
}

void open_folder(Task& task, const fs::path& folder, const TaskOptions& options) {
  const std::vector<fs::path> files = data_files_of(folder);
  SplitFiles splits;
  for (const fs::path& file : files) {
    const std::string split = split_of(file.stem().string());
    if (split.empty()) continue;
    const auto [first, added] = splits.emplace(split, file);
    if (!added) {
      task.description += file.filename().string() + " is left out beside " + first->second.filename().string() + ". ";
    }
  }
  if (!splits.empty()) return open_files(task, splits, false, options);
  if (open_parallel_text(task, folder, options)) return;
  if (open_class_folders(task, folder, options)) return;
  // CLINC150 comes in several sizes.
  const auto whole = std::ranges::find(files, "data_full.json", [](const fs::path& file) { return file.filename(); });
  if (whole != files.end()) return open_one_file(task, *whole, options);
  if (files.size() == 1) return open_one_file(task, files[0], options);
  std::string names;
  for (const fs::path& file : files) names += (names.empty() ? "" : ", ") + file.filename().string();
  throw Error(
      ErrorKind::InvalidInput,
      {.what = "the folder holds no task",
       .where = folder.string(),
       .got = names,
       .wanted = "train, dev or test as .tsv, .csv, .jsonl, .json or .txt, train.de and train.en, or class folders "
                 "train/pos, train/neg",
       .next = "name one data file instead"});
}

}  // namespace

Task open_task(const std::string& path_or_name, const TaskOptions& options) {
  if (path_or_name == "lab") return make_lab_task();
  const fs::path path = path_or_name;
  std::error_code error;
  if (path_or_name.empty() || !fs::exists(path, error)) {
    throw Error(ErrorKind::InvalidInput,
                {.what = "there is no such task",
                 .got = path_or_name,
                 .wanted = "\"lab\", a folder with train, dev and test files, or a data file"});
  }
  const fs::path absolute = fs::weakly_canonical(path);
  const bool is_folder = fs::is_directory(absolute);
  const DatasetCard card = read_dataset_card(is_folder ? absolute : absolute.parent_path());
  const bool of_folder = is_folder || !split_of(absolute.stem().string()).empty();
  Task task;
  task.name =
      of_folder ? (is_folder ? absolute : absolute.parent_path()).filename().string() : absolute.stem().string();
  if (of_folder && !card.name.empty()) task.name = card.name;
  task.provenance = card.provenance;
  const TaskOptions all = merged(options, card.options);
  if (is_folder) {
    open_folder(task, absolute, all);
  } else {
    open_one_file(task, absolute, all);
  }
  return task;
}

EncodedDataset encode(const Dataset& dataset, const Tokenizer& tokenizer, int64_t max_length,
                      const CancelToken& cancel) {
  EncodedDataset encoded;
  encoded.examples.reserve(dataset.examples.size());
  const EncodeOptions unlimited;
  const EncodeOptions limited{.max_length = max_length};
  const auto encode_one = [&](const Example& example, const EncodeOptions& options) {
    return example.has_pair ? tokenizer.encode_pair(example.text, example.pair, options)
                            : tokenizer.encode(example.text, options);
  };
  for (const Example& example : dataset.examples) {
    if (encoded.examples.size() % 256 == 0) cancel.throw_if_cancelled();
    Encoding encoding = encode_one(example, unlimited);
    if (max_length > 0 && static_cast<int64_t>(encoding.size()) > max_length) {
      encoding = encode_one(example, limited);
      ++encoded.truncated;
    }
    encoded.examples.push_back({std::move(encoding), example.label, example.score});
  }
  return encoded;
}

}  // namespace espalier
