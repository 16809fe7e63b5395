// Data files: the same bytes as TSV, CSV and JSONL, as rows and as a task.

#include "data/table.h"
#include "data/task.h"

#include <stdexcept>

#include "base/unicode.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/target.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

namespace fs = std::filesystem;

const fs::path& folder() {
  static const TempDir folder;
  return folder.path();
}

std::vector<std::string> seeds() {
  return {"sentence\tlabel\nit is good \t1\nit is bad\t0\nso \"so\"\t1\n",
          "text,label\r\n\"a, b\",yes\r\n\"he said \"\"no\"\"\n twice\",no\r\nplain,yes\r\n",
          "text;label\na;yes\nb;no\n",
          "{\"text\": \"a \\u00e9\", \"label\": 1}\n{\"text\": \"b\", \"label\": 0, \"more\": [1, null]}\n",
          "\xEF\xBB\xBFsentence1\tsentence2\tscore\na\tb\t1.5\nc\td\t4.25\n"};
}

void read_rows(const fs::path& file, TableFormat format) {
  TableReader reader(file, format);
  TableRow row;
  int64_t before = 0;
  while (reader.next(row)) {
    if (row.line <= before) throw std::logic_error("rows do not go forward");
    before = row.line;
    for (const std::string& field : row.fields) {
      if (!is_utf8(field)) throw std::logic_error("a field that is no UTF-8");
    }
  }
}

void read_task(const fs::path& file) {
  try {
    const Task task = open_task(file.string());
    for (const std::string& split : task.splits) static_cast<void>(task.load(split, {}));
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::Internal) throw;  // whatever else it says, the rows are no task
  }
}

void read(const std::string& bytes) {
  const std::pair<const char*, TableFormat> kinds[] = {
      {"a.tsv", TableFormat::Tsv}, {"a.csv", TableFormat::Csv}, {"a.jsonl", TableFormat::Jsonl}};
  for (const auto& [name, format] : kinds) {
    const fs::path file = folder() / name;
    write_plainly(file, bytes);
    read_rows(file, format);
    read_task(file);
  }
}

std::string mutate(const std::string& bytes, Rng& rng) {
  return rng.chance(0.5) ? mutated_bytes(bytes, rng) : mutated_json(bytes, rng);
}

}  // namespace

// Rows that cannot be read are skipped and counted: none is a reason to refuse the file.
FuzzTarget tables_target() { return {"tables", seeds, mutate, read, folder().string(), 0}; }

}  // namespace espalier::test
