#include "data/task.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>

#include "base/error.h"
#include "data/lab.h"
#include "data/layout.h"
#include "data/table.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxLabels = 1000;

// The name of a split for the stem of a file; empty for files that are no split.
std::string split_of_stem(const std::string& stem) {
  static const std::map<std::string, std::string> kStems = {{"train", "train"},
                                                            {"training", "train"},
                                                            {"dev", "dev"},
                                                            {"validation", "dev"},
                                                            {"validate", "dev"},
                                                            {"valid", "dev"},
                                                            {"val", "dev"},
                                                            {"eval", "dev"},
                                                            {"test", "test"},
                                                            {"shifted", "shifted"},
                                                            {"dev_matched", "dev_matched"},
                                                            {"dev_mismatched", "dev_mismatched"},
                                                            {"test_matched", "test_matched"},
                                                            {"test_mismatched", "test_mismatched"}};
  const auto found = kStems.find(stem);
  return found == kStems.end() ? "" : found->second;
}

struct SplitFile {
  std::string split;
  fs::path file;
  FileLayout layout;
};

// Everything that loading needs; shared by the task's functions, never changed after opening.
struct OpenedTask {
  std::string name;
  std::vector<SplitFile> splits;
  std::vector<std::string> labels;
  bool labels_are_numbers_of_names = false;  // the data says 0, 1, ... for labels that have names
  bool regression = false;
  bool one_file = false;

  const SplitFile& at(const std::string& split) const {
    for (const SplitFile& candidate : splits) {
      if (candidate.split == split) return candidate;
    }
    const std::string canonical = split_of_stem(split);
    for (const SplitFile& candidate : splits) {
      if (candidate.split == canonical || candidate.split == canonical + "_matched") return candidate;
    }
    if (one_file && canonical == "dev") return splits[0];
    std::string known;
    for (const SplitFile& candidate : splits) known += (known.empty() ? "" : ", ") + candidate.split;
    throw Error(ErrorKind::InvalidInput, {.what = "the task has no such split",
                                          .where = name,
                                          .got = split,
                                          .wanted = known,
                                          .next = one_file ? "open the folder that holds all splits" : ""});
  }
};

std::string stripped(const std::string& text) {
  const char* const blanks = " \t\r\n\v\f";
  const size_t begin = text.find_first_not_of(blanks);
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

bool parse_number(const std::string& text, double& value) {
  if (text.empty()) return false;
  char* end = nullptr;
  value = std::strtod(text.c_str(), &end);
  return end == text.c_str() + text.size() && std::isfinite(value);
}

// Counts a row that cannot be used.
void skip(SkippedRows& skipped, int64_t line, const std::string& reason) {
  if (skipped.first_reasons.size() < 5) {
    skipped.first_reasons.push_back("line " + std::to_string(line) + ": " + reason);
  }
  ++skipped.count;
}

// Goes through the usable rows of a split; `row` fields number at least what the layout needs.
void for_each_row(const SplitFile& split, SkippedRows& skipped, const CancelToken& cancel,
                  const std::function<void(const TableRow&)>& use) {
  TableReader reader(split.file, split.layout.format);
  const FileLayout& layout = split.layout;
  TableRow row;
  if (layout.header) reader.next(row);
  for (int64_t count = 0; reader.next(row); ++count) {
    if (count % 1024 == 0) cancel.throw_if_cancelled();
    const auto fields = static_cast<int64_t>(row.fields.size());
    if (!row.fault.empty()) {
      skip(skipped, row.line, row.fault);
    } else if (fields != layout.columns) {
      skip(skipped, row.line, std::to_string(fields) + " fields, wanted " + std::to_string(layout.columns));
    } else {
      use(row);
    }
  }
}

// -1 when the text is no label.
int32_t label_index(const OpenedTask& task, const std::string& text) {
  const auto found = std::find(task.labels.begin(), task.labels.end(), text);
  if (found != task.labels.end()) return static_cast<int32_t>(found - task.labels.begin());
  double number = 0;
  if (task.labels_are_numbers_of_names && parse_number(text, number) && number >= 0 &&
      number < static_cast<double>(task.labels.size()) && number == std::floor(number)) {
    return static_cast<int32_t>(number);
  }
  return -1;
}

Dataset load_split(const OpenedTask& task, const std::string& split_name, const CancelToken& cancel) {
  const SplitFile& split = task.at(split_name);
  const FileLayout& layout = split.layout;
  Dataset dataset;
  for_each_row(split, dataset.skipped, cancel, [&](const TableRow& row) {
    const auto field = [&](int64_t column) {
      const std::string& text = row.fields[static_cast<size_t>(column)];
      return layout.strip ? stripped(text) : text;
    };
    Example example;
    example.text = field(layout.text);
    if (layout.pair >= 0) {
      example.pair = field(layout.pair);
      example.has_pair = true;
    }
    if (layout.label >= 0) {
      const std::string label = stripped(row.fields[static_cast<size_t>(layout.label)]);
      if (task.regression) {
        if (!parse_number(label, example.score))
          return skip(dataset.skipped, row.line, "\"" + label + "\" is no number");
      } else {
        example.label = label_index(task, label);
        if (example.label < 0) return skip(dataset.skipped, row.line, "\"" + label + "\" is no label of the task");
      }
    }
    dataset.examples.push_back(std::move(example));
  });
  return dataset;
}

// The distinct labels of a split in a lasting order: by number when all are whole numbers, else by bytes.
std::vector<std::string> labels_in(const SplitFile& split, bool& all_real) {
  std::set<std::string> found;
  SkippedRows ignored;
  bool all_whole = true;
  bool any_fraction = false;
  bool all_numbers = true;
  for_each_row(split, ignored, {}, [&](const TableRow& row) {
    const std::string label = stripped(row.fields[static_cast<size_t>(split.layout.label)]);
    if (!found.insert(label).second) return;
    double number = 0;
    const bool is_number = parse_number(label, number);
    all_numbers = all_numbers && is_number;
    any_fraction = any_fraction || (is_number && number != std::floor(number));
    all_whole = all_whole && is_number && number == std::floor(number);
  });
  all_real = !found.empty() && all_numbers && any_fraction;
  if (!all_real && found.size() > kMaxLabels) {
    throw Error(ErrorKind::InvalidInput, {.what = "the label column has too many different values to be one",
                                          .where = split.file.string(),
                                          .got = std::to_string(found.size()) + " values",
                                          .wanted = "at most " + std::to_string(kMaxLabels),
                                          .next = "name the label column"});
  }
  std::vector<std::string> labels(found.begin(), found.end());
  if (all_whole) {
    std::stable_sort(labels.begin(), labels.end(),
                     [](const std::string& a, const std::string& b) { return std::stod(a) < std::stod(b); });
  }
  return labels;
}

void decide_labels(OpenedTask& task, Task& result, const TaskOptions& options) {
  const auto labelled = std::find_if(task.splits.begin(), task.splits.end(),
                                     [](const SplitFile& split) { return split.layout.label >= 0; });
  const GlueTask* glue = find_glue_task(task.splits[0].layout.glue);
  result.metric = "accuracy";
  std::vector<std::string> in_data;
  if (glue != nullptr) {
    task.regression = glue->regression;
    result.metric = glue->metric;
    in_data = glue->labels;
  } else if (labelled != task.splits.end()) {
    in_data = labels_in(*labelled, task.regression);
    if (task.regression) {
      result.metric = "pearson";
      in_data.clear();
    }
  }
  task.labels = in_data;
  if (!options.labels.empty() && !task.regression) {
    // Names given by a model stand for the numbers 0, 1, ... when the data knows only numbers.
    const bool named_in_data = std::all_of(in_data.begin(), in_data.end(), [&](const std::string& label) {
      return std::find(options.labels.begin(), options.labels.end(), label) != options.labels.end();
    });
    task.labels = options.labels;
    task.labels_are_numbers_of_names = !named_in_data;
  }
  result.labels = task.labels;
  result.kind = task.regression ? TaskKind::Regression : TaskKind::Classification;
}

std::vector<SplitFile> find_splits(const fs::path& folder, const TaskOptions& options) {
  std::map<std::string, fs::path> files;
  std::vector<fs::path> entries;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file() && is_table_file(entry.path())) entries.push_back(entry.path());
  }
  std::sort(entries.begin(), entries.end());
  for (const fs::path& file : entries) {
    const std::string split = split_of_stem(file.stem().string());
    if (!split.empty()) files.emplace(split, file);
  }
  if (files.empty()) {
    throw Error(ErrorKind::InvalidInput, {.what = "the folder holds no task",
                                          .where = folder.string(),
                                          .wanted = "train, dev or test as .tsv, .csv or .jsonl",
                                          .next = "name one data file instead"});
  }
  std::vector<SplitFile> splits;
  for (const char* split :
       {"train", "dev", "dev_matched", "dev_mismatched", "test", "test_matched", "test_mismatched", "shifted"}) {
    const auto found = files.find(split);
    if (found != files.end()) splits.push_back({split, found->second, detect_layout(found->second, options)});
  }
  return splits;
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
  auto opened = std::make_shared<OpenedTask>();
  const fs::path absolute = fs::weakly_canonical(path);
  Task task;
  if (fs::is_directory(absolute)) {
    opened->splits = find_splits(absolute, options);
    opened->name = absolute.filename().string();
  } else {
    const std::string stem = absolute.stem().string();
    const std::string split = split_of_stem(stem);
    opened->splits = {{split.empty() ? "dev" : split, absolute, detect_layout(absolute, options)}};
    opened->name = split.empty() ? stem : absolute.parent_path().filename().string();
    opened->one_file = true;
  }
  decide_labels(*opened, task, options);
  task.name = opened->name;
  for (const SplitFile& split : opened->splits) {
    task.splits.push_back(split.split);
    task.description += split.split + ": " + split.file.filename().string() + ", " + split.layout.explanation + ". ";
  }
  if (opened->one_file) task.description += "One file: it serves as dev too. ";
  task.description += opened->regression ? "Labels are real numbers." : std::to_string(task.labels.size()) + " labels.";
  task.load = [opened](const std::string& split, const CancelToken& cancel) {
    return load_split(*opened, split, cancel);
  };
  task.files = [opened](const std::string& split) { return std::vector<fs::path>{opened->at(split).file}; };
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
