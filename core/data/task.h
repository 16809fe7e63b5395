#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/json.h"
#include "text/tokenizer.h"

namespace espalier {

enum class TaskKind { Classification, Regression };

// One labelled text or pair.
struct Example {
  std::string text;
  std::string pair;  // second text; has_pair tells an empty one from none
  bool has_pair = false;
  int32_t label = -1;                                 // index into Task::labels; -1 when unlabelled
  double score = 0;                                   // regression target
  std::vector<std::pair<int32_t, int32_t>> evidence;  // lab only: code point spans of the words that decide the label
};

// Rows that a reader could not use, with the first few told apart.
struct SkippedRows {
  int64_t count = 0;
  std::vector<std::string> first_reasons;  // "line 17: 3 fields, wanted 4"; at most 5
};

struct Dataset {
  std::vector<Example> examples;
  SkippedRows skipped;
};

// How to find the fields; empty members are guessed and the guess is stated in Task::description.
struct TaskOptions {
  std::string text_column;  // name, or 0-based number as text
  std::string pair_column;
  std::string label_column;
  std::vector<std::string> labels;  // fixes the order of labels; else model labels or sorted order of what is found
};

// A task is a named set of splits. Opening reads only what is needed to know its layout.
struct Task {
  std::string name;  // "sst2", "lab"
  TaskKind kind = TaskKind::Classification;
  std::vector<std::string> labels;  // classification: names by index
  std::string metric;               // "accuracy", "f1", "matthews", "pearson"
  std::string description;          // layout, columns, where each split comes from
  std::vector<std::string> splits;  // "train", "dev", "test", ...

  // Loads one split; InvalidInput naming the splits that exist. Thread-safe.
  std::function<Dataset(const std::string& split, const CancelToken& cancel)> load;
  // SHA-256-like identity of the content of a split is taken from these files (empty for generated data).
  std::function<std::vector<std::filesystem::path>(const std::string& split)> files;
  std::string generator;  // "lab 1" for generated data: enters hashes in place of files
};

// Opens "lab", a folder with train/dev/test files (GLUE layout by name, TSV, CSV, JSONL), or one such file.
Task open_task(const std::string& path_or_name, const TaskOptions& options = {});

// --- Tokenized ------------------------------------------------------------------------------------------------------

struct EncodedExample {
  Encoding encoding;
  int32_t label = -1;
  double score = 0;
};

struct EncodedDataset {
  std::vector<EncodedExample> examples;
  int64_t truncated = 0;  // examples that lost tokens to max_length
};

EncodedDataset encode(const Dataset& dataset, const Tokenizer& tokenizer, int64_t max_length,
                      const CancelToken& cancel);

}  // namespace espalier
