#include "data/table.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/json.h"
#include "base/unicode.h"
#include "text/unicode.h"

namespace espalier {
namespace {

const std::map<std::string, TableFormat>& endings() {
  static const std::map<std::string, TableFormat> kEndings = {
      {".tsv", TableFormat::Tsv},     {".txt", TableFormat::Tsv},      {".csv", TableFormat::Csv},
      {".jsonl", TableFormat::Jsonl}, {".ndjson", TableFormat::Jsonl}, {".json", TableFormat::Jsonl}};
  return kEndings;
}

std::string ending_of(const std::filesystem::path& file) {
  std::string ending = file.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return std::tolower(c); });
  return ending;
}

std::string well_formed(std::string_view text) {
  if (is_utf8(text)) return std::string(text);
  std::string out;
  for (size_t at = 0; at < text.size();) append_utf8(out, next_code_point(text, at));
  return out;
}

std::string as_field(const Json& value) {
  if (value.is_null()) return "";
  return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

TableFormat table_format_of(const std::filesystem::path& file) {
  const auto found = endings().find(ending_of(file));
  if (found != endings().end()) return found->second;
  throw Error(ErrorKind::InvalidInput, {.what = "the kind of data file is not known",
                                        .where = file.string(),
                                        .got = file.extension().string(),
                                        .wanted = ".tsv, .csv or .jsonl"});
}

bool is_table_file(const std::filesystem::path& file) { return endings().contains(ending_of(file)); }

TableReader::TableReader(const std::filesystem::path& file, TableFormat format)
    : file_(map_file(file)),
      text_(reinterpret_cast<const char*>(file_.bytes.data()), file_.bytes.size()),
      format_(format) {
  if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
  const std::string_view first_line = text_.substr(at_, text_.find('\n', at_) - at_);
  if (format_ == TableFormat::Csv && first_line.find(',') == std::string_view::npos &&
      first_line.find(';') != std::string_view::npos) {
    separator_ = ';';
  }
}

bool TableReader::next_line(std::string_view& line) {
  while (at_ < text_.size()) {
    const size_t end = std::min(text_.find('\n', at_), text_.size());
    line = text_.substr(at_, end - at_);
    at_ = end + 1;
    ++line_;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) return true;
  }
  return false;
}

bool TableReader::next(TableRow& row) {
  row.fields.clear();
  row.fault.clear();
  if (format_ == TableFormat::Csv) {
    while (at_ < text_.size() && (text_[at_] == '\n' || text_[at_] == '\r')) {
      if (text_[at_] == '\n') ++line_;
      ++at_;
    }
    if (at_ >= text_.size()) return false;
    row.line = line_ + 1;
    read_csv(row);
    return true;
  }
  std::string_view line;
  if (!next_line(line)) return false;
  row.line = line_;
  if (format_ == TableFormat::Jsonl) {
    read_jsonl(line, row);
    return true;
  }
  for (size_t begin = 0; begin <= line.size();) {
    const size_t end = std::min(line.find('\t', begin), line.size());
    row.fields.push_back(well_formed(line.substr(begin, end - begin)));
    begin = end + 1;
  }
  return true;
}

void TableReader::read_csv(TableRow& row) {
  std::string field;
  bool quoted = false;
  bool was_quoted = false;
  const auto finish_field = [&] {
    row.fields.push_back(well_formed(field));
    field.clear();
    was_quoted = false;
  };
  for (; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (c == '\n') ++line_;
    if (quoted) {
      if (c != '"') {
        field.push_back(c);
      } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
        field.push_back('"');
        ++at_;
      } else {
        quoted = false;
      }
    } else if (c == '"' && field.empty() && !was_quoted) {
      quoted = was_quoted = true;
    } else if (c == separator_) {
      finish_field();
    } else if (c == '\n') {
      ++at_;
      if (field.ends_with('\r')) field.pop_back();
      finish_field();
      return;
    } else {
      field.push_back(c);
    }
  }
  if (quoted) {
    row.fields.clear();
    row.fault = "a quote is not closed";
    return;
  }
  if (field.ends_with('\r')) field.pop_back();
  finish_field();
}

void TableReader::read_jsonl(std::string_view line, TableRow& row) {
  Json object;
  try {
    object = parse_json(well_formed(line), "the line");
  } catch (const Error&) {
    row.fault = "no JSON";
    return;
  }
  if (!object.is_object()) {
    row.fault = "no JSON object";
    return;
  }
  if (columns_.empty()) {
    for (const auto& [name, value] : object.items()) columns_.push_back(name);
  }
  for (const std::string& name : columns_) {
    const auto found = object.find(name);
    row.fields.push_back(found == object.end() ? std::string() : as_field(*found));
  }
}

}  // namespace espalier
