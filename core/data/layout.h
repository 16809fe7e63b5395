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

// What a GLUE task is beyond one file's columns; nullptr for other names.
struct GlueTask {
  std::string name;
  std::vector<std::string> labels;
  std::string metric;
  bool regression = false;
};
const GlueTask* find_glue_task(const std::string& name);

// Looks at the beginning of the file. InvalidInput naming the columns that exist when the fields cannot be told.
FileLayout detect_layout(const std::filesystem::path& file, const TaskOptions& options);

}  // namespace espalier
