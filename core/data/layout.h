#pragma once
// What the columns of a data file mean: a GLUE layout known by its header and place, or a guess from names and shapes.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/table.h"
#include "data/task.h"

namespace espalier {

// Where one file keeps its fields. A column of -1 is absent.
struct FileLayout {
  std::string glue = {};  // "CoLA", ...; empty for other files
  TableFormat format = TableFormat::Tsv;
  bool header = false;
  int64_t columns = 0;  // fields of a row
  int64_t text = -1;
  int64_t pair = -1;
  int64_t label = -1;
  bool strip = false;            // blanks around texts go (SST-2)
  std::string explanation = {};  // "columns sentence and label, by their names"
};

// `text in "sentence", label in "label"`, by the names of `header` where it is not empty.
std::string roles_of(const FileLayout& layout, const std::vector<std::string>& header);

// The beginning of a file, with rows from further on where the format lets one find them.
struct TableHead {
  TableFormat format = TableFormat::Tsv;
  std::string encoding;
  bool recoded = false;              // some row holds bytes that are no UTF-8
  std::vector<std::string> columns;  // JSON: member names
  std::vector<TableRow> rows;        // without faulty ones; the first is the file's first
};
TableHead read_head(const std::filesystem::path& file);

// A layout that may lack a text column; nothing in `options` is refused but columns that do not exist (InvalidInput).
FileLayout guess_layout(const TableHead& head, const std::filesystem::path& file, const TaskOptions& options,
                        bool may_be_glue = true);

// The names of the columns as a person sees them: header, member names, or "0", "1", ...
std::vector<std::string> column_names(const TableHead& head, const FileLayout& layout);

// The same as a fact: InvalidInput naming the columns that exist when the text cannot be told.
FileLayout detect_layout(const std::filesystem::path& file, const TaskOptions& options, bool may_be_glue = true);

}  // namespace espalier
