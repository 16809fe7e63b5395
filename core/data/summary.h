#pragma once
// What a person wants to see of a data set before using it.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "data/task.h"

namespace espalier {

// --- The table behind a task, for choosing columns -------------------------------------------------------------------

struct ColumnPreview {
  std::string name;                 // by the header or the member, else its number
  std::string role;                 // "text", "pair", "label" or empty
  int64_t distinct = 0;             // different values among the rows looked at
  double mean_length = 0;           // bytes
  std::vector<std::string> values;  // the most frequent ones, at most 5
};

struct TablePreview {
  std::filesystem::path file;
  std::string format;       // "TSV", ...
  std::string encoding;     // "UTF-8", ...
  std::string explanation;  // which columns were taken and why, or why none could be
  bool complete = false;    // the text column is known: the file can be opened as it is
  int64_t rows_seen = 0;    // what distinct and mean_length come from
  std::vector<ColumnPreview> columns;
  std::vector<std::vector<std::string>> rows;  // the first ones
};

// Looks at the beginning of a file (and at places further on), whether its columns can be told or not. InvalidInput
// when it is no table or `options` name a column that does not exist.
TablePreview preview_table(const std::filesystem::path& file, const TaskOptions& options, size_t rows);

// The table of a folder that a preview shows: train, else dev, else test, else the only one; the file itself for a
// file.
std::optional<std::filesystem::path> table_of(const std::filesystem::path& file_or_folder);

Json to_json(const TablePreview& preview);

// --- An opened task --------------------------------------------------------------------------------------------------

struct SplitSummary {
  std::string split;
  int64_t examples = 0;
  SkippedRows skipped;
  int64_t recoded = 0;
  std::vector<int64_t> label_counts;  // by Task::labels: examples, or words for token classification
  int64_t unlabelled = 0;             // examples without label, tags or answers
  int64_t impossible = 0;             // questions that their context does not answer
  double mean_code_points = 0;        // of text and pair together
};

struct TaskSummary {
  std::vector<SplitSummary> splits;
  std::vector<Example> first;  // of the first split
};

// Loads every split once.
TaskSummary summarize(const Task& task, size_t first_examples, const CancelToken& cancel);

// Kind, benchmark, metrics, labels, provenance, splits with counts, first examples.
Json to_json(const Task& task, const TaskSummary& summary);

// The members of one example that are set, labels and tags by their names.
Json to_json(const Example& example, const Task& task);

}  // namespace espalier
