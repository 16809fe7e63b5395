#pragma once
// Rows of text files: TSV, CSV, JSONL, JSON. One reader for all; what a row means is decided elsewhere.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/boxed_json.h"
#include "data/source_text.h"

namespace espalier {

enum class TableFormat {
  Tsv,          // fields between tabs, rows between line ends, nothing quoted (GLUE) unless every field of row one is
  Csv,          // RFC 4180: quoted fields may hold separators, line ends and doubled quotes; ',', ';' or tab
  Jsonl,        // one object a line; members are fields
  JsonDocument  // one document: an array of objects, or an object with such an array as a member
};
std::string_view to_string(TableFormat format);

// By the file name's ending: .tsv, .txt, .csv, .jsonl, .ndjson, .json (whose beginning tells the two kinds of JSON
// apart). InvalidInput for others.
TableFormat table_format_of(const std::filesystem::path& file);
bool is_table_file(const std::filesystem::path& file);

// One row as it stands in the file. `fault` says why it could not be read; then fields are empty.
struct TableRow {
  int64_t line = 0;  // first line of the row (of a document: the item), from 1
  std::vector<std::string> fields;
  bool recoded = false;  // held bytes that are no UTF-8, read as Windows-1252
  std::string fault;
};

// The row as an example's text may tell it: "line 17".
std::string place_of(TableFormat format, int64_t line);

// Reads a mapped file row by row. Fields are valid UTF-8 (source_text.h). Empty lines are skipped. For JSON the fields
// follow `columns`, the member names of the first object, sorted; absent and null members are empty; numbers, truth
// values, arrays and objects become JSON text.
class TableReader {
 public:
  TableReader(const std::filesystem::path& file, TableFormat format);

  bool next(TableRow& row);
  // Tsv and Jsonl: goes on with the first row that begins behind this share of the file. Line numbers are lost.
  void jump(double fraction);

  TableFormat format() const { return format_; }
  const std::string& encoding() const { return source_.encoding; }
  // JSON only: member names of the first object.
  const std::vector<std::string>& columns() const { return columns_; }

 private:
  bool next_line(std::string_view& line);
  void read_quoted(TableRow& row);
  void read_object(const Json& object, TableRow& row);

  SourceText source_;
  size_t at_ = 0;
  int64_t line_ = 0;
  TableFormat format_;
  bool quoted_ = false;
  int open_quotes_ = 0;
  char separator_ = '\t';
  std::vector<std::string> columns_;
  BoxedJson items_;  // JsonDocument only: the array of objects
};

}  // namespace espalier
