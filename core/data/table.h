#pragma once
// Rows of text files: TSV, CSV, JSONL. One reader for all; what a row means is decided elsewhere.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "formats/atomic_file.h"

namespace espalier {

enum class TableFormat {
  Tsv,   // fields between tabs, rows between line ends, nothing quoted (GLUE)
  Csv,   // RFC 4180: quoted fields may hold separators, line ends and doubled quotes; ',' or ';'
  Jsonl  // one object a line; members are fields
};

// By the file name's ending: .tsv, .txt, .csv, .jsonl, .ndjson, .json. InvalidInput for others.
TableFormat table_format_of(const std::filesystem::path& file);
bool is_table_file(const std::filesystem::path& file);

// One row as it stands in the file. `fault` says why it could not be read; then fields are empty.
struct TableRow {
  int64_t line = 0;  // first line of the row, from 1
  std::vector<std::string> fields;
  std::string fault;
};

// Reads a mapped file row by row. Fields are valid UTF-8: malformed bytes become U+FFFD. A byte-order mark is skipped,
// so are empty lines. For JSONL the fields follow `columns`, the member names of the first object, sorted; absent and
// null members are empty; numbers and truth values become text.
class TableReader {
 public:
  TableReader(const std::filesystem::path& file, TableFormat format);

  bool next(TableRow& row);
  TableFormat format() const { return format_; }
  // JSONL only: member names of the first object.
  const std::vector<std::string>& columns() const { return columns_; }

 private:
  bool next_line(std::string_view& line);
  void read_csv(TableRow& row);
  void read_jsonl(std::string_view line, TableRow& row);

  MappedFile file_;
  std::string_view text_;
  size_t at_ = 0;
  int64_t line_ = 0;
  TableFormat format_;
  char separator_ = ',';
  std::vector<std::string> columns_;
};

}  // namespace espalier
