#include "data/table.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/json.h"

namespace espalier {
namespace {

// A document is held as a whole while it is read.
constexpr size_t kMaxDocument = size_t{1} << 29;
// Every row has a field for each member of the first object.
constexpr size_t kMaxMembers = 4096;
// After so many quotes that nothing closes, the rest of the file is one row that cannot be read.
constexpr int kMaxOpenQuotes = 16;

const std::map<std::string, TableFormat>& endings() {
  static const std::map<std::string, TableFormat> kEndings = {
      {".tsv", TableFormat::Tsv},     {".txt", TableFormat::Tsv},      {".csv", TableFormat::Csv},
      {".jsonl", TableFormat::Jsonl}, {".ndjson", TableFormat::Jsonl}, {".json", TableFormat::JsonDocument}};
  return kEndings;
}

std::string ending_of(const std::filesystem::path& file) {
  std::string ending = file.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return std::tolower(c); });
  return ending;
}

std::string as_field(const Json& value) {
  if (value.is_null()) return "";
  return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string_view first_line_of(const SourceText& source) {
  return source.text.substr(0, source.text.find(source.line_end));
}

// A first line that is an object of its own, with more lines behind it.
bool has_object_lines(const SourceText& source) {
  const std::string_view line = first_line_of(source);
  const std::string_view rest = source.text.substr(std::min(line.size(), source.text.size()));
  return without_blanks(line).starts_with('{') && rest.find_first_not_of(" \t\r\n") != std::string_view::npos &&
         Json::accept(line);
}

// The separator of a CSV file: the one of the three that its first line has most of.
char separator_in(std::string_view line) {
  char best = ',';
  for (const char candidate : {';', '\t'}) {
    if (std::ranges::count(line, candidate) > std::ranges::count(line, best)) best = candidate;
  }
  return best;
}

bool every_field_quoted(std::string_view line) {
  for (size_t begin = 0; begin <= line.size();) {
    const size_t end = std::min(line.find('\t', begin), line.size());
    const std::string_view field = without_blanks(line.substr(begin, end - begin));
    if (field.size() < 2 || !field.starts_with('"') || !field.ends_with('"')) return false;
    begin = end + 1;
  }
  return true;
}

// The array of objects that a document holds; an object without one is a row of its own.
Json items_of(Json document, const std::string& where) {
  if (document.is_array()) return document;
  if (document.is_object()) {
    for (auto& member : document) {
      if (member.is_array() && !member.empty() && member.front().is_object()) return std::move(member);
    }
    return Json::array({std::move(document)});
  }
  throw Error(ErrorKind::InvalidInput, {.what = "the JSON document holds no rows",
                                        .where = where,
                                        .got = document.type_name(),
                                        .wanted = "an array of objects, or an object with one as a member"});
}

}  // namespace

std::string_view to_string(TableFormat format) {
  switch (format) {
    case TableFormat::Tsv:
      return "TSV";
    case TableFormat::Csv:
      return "CSV";
    case TableFormat::Jsonl:
      return "JSONL";
    case TableFormat::JsonDocument:
      break;
  }
  return "JSON";
}

TableFormat table_format_of(const std::filesystem::path& file) {
  const auto found = endings().find(ending_of(file));
  if (found == endings().end()) {
    throw Error(ErrorKind::InvalidInput, {.what = "the kind of data file is not known",
                                          .where = file.string(),
                                          .got = file.extension().string(),
                                          .wanted = ".tsv, .csv, .jsonl, .json or .txt"});
  }
  if (found->second == TableFormat::JsonDocument && has_object_lines(read_source_text(file))) return TableFormat::Jsonl;
  return found->second;
}

bool is_table_file(const std::filesystem::path& file) { return endings().contains(ending_of(file)); }

std::string place_of(TableFormat format, int64_t line) {
  return (format == TableFormat::JsonDocument ? "item " : "line ") + std::to_string(line);
}

TableReader::TableReader(const std::filesystem::path& file, TableFormat format)
    : source_(read_source_text(file)), format_(format) {
  const std::string_view first_line = first_line_of(source_);
  if (format_ == TableFormat::Csv) {
    quoted_ = true;
    separator_ = separator_in(first_line);
  } else if (format_ == TableFormat::Tsv) {
    quoted_ = every_field_quoted(first_line);
  } else if (format_ == TableFormat::JsonDocument) {
    if (source_.text.size() > kMaxDocument) {
      throw Error(ErrorKind::InvalidInput, {.what = "the JSON document is too large to be read as a whole",
                                            .where = file.string(),
                                            .got = std::to_string(source_.text.size()) + " bytes",
                                            .wanted = "at most " + std::to_string(kMaxDocument),
                                            .next = "write one object a line (JSONL)"});
    }
    bool recoded = false;
    *items_ = items_of(parse_json(to_utf8(source_.text, recoded), file.string()), file.string());
  }
}

bool TableReader::next_line(std::string_view& line) {
  while (at_ < source_.text.size()) {
    const size_t end = std::min(source_.text.find(source_.line_end, at_), source_.text.size());
    line = source_.text.substr(at_, end - at_);
    at_ = end + 1;
    ++line_;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) return true;
  }
  return false;
}

void TableReader::jump(double fraction) {
  at_ = std::max(at_, static_cast<size_t>(fraction * static_cast<double>(source_.text.size())));
  const size_t end = at_ == 0 ? 0 : source_.text.find(source_.line_end, at_ - 1);
  at_ = end == std::string_view::npos ? source_.text.size() : at_ == 0 ? 0 : end + 1;
}

bool TableReader::next(TableRow& row) {
  row.fields.clear();
  row.fault.clear();
  row.recoded = false;
  if (format_ == TableFormat::JsonDocument) {
    if (at_ >= items_->size()) return false;
    row.line = static_cast<int64_t>(++at_);
    read_object((*items_)[at_ - 1], row);
    return true;
  }
  if (quoted_) {
    const std::string_view text = source_.text;
    while (at_ < text.size() && (text[at_] == '\n' || text[at_] == '\r')) {
      if (text[at_] == source_.line_end) ++line_;
      ++at_;
    }
    if (at_ >= text.size()) return false;
    row.line = line_ + 1;
    read_quoted(row);
    return true;
  }
  std::string_view line;
  if (!next_line(line)) return false;
  row.line = line_;
  if (format_ == TableFormat::Jsonl) {
    Json object;
    try {
      object = parse_json(to_utf8(line, row.recoded), "the line");
    } catch (const Error&) {
      row.fault = "no JSON";
      return true;
    }
    read_object(object, row);
    return true;
  }
  for (size_t begin = 0; begin <= line.size();) {
    const size_t end = std::min(line.find('\t', begin), line.size());
    row.fields.push_back(to_utf8(line.substr(begin, end - begin), row.recoded));
    begin = end + 1;
  }
  return true;
}

void TableReader::read_quoted(TableRow& row) {
  const std::string_view text = source_.text;
  const size_t begin = at_;
  std::string field;
  bool inside = false;
  bool was_quoted = false;
  const auto finish_field = [&] {
    row.fields.push_back(to_utf8(field, row.recoded));
    field.clear();
    was_quoted = false;
  };
  for (; at_ < text.size(); ++at_) {
    const char c = text[at_];
    if (c == source_.line_end) ++line_;
    if (inside) {
      if (c != '"') {
        field.push_back(c);
      } else if (at_ + 1 < text.size() && text[at_ + 1] == '"') {
        field.push_back('"');
        ++at_;
      } else {
        inside = false;
      }
    } else if (c == '"' && field.empty() && !was_quoted) {
      inside = was_quoted = true;
    } else if (c == separator_) {
      finish_field();
    } else if (c == source_.line_end) {
      ++at_;
      if (field.ends_with('\r')) field.pop_back();
      finish_field();
      return;
    } else {
      field.push_back(c);
    }
  }
  if (inside) {
    row.fields.clear();
    row.fault = "a quote is not closed";
    if (++open_quotes_ > kMaxOpenQuotes) return;
    // Only this line is lost: the rows behind it are read as if it were not there.
    line_ = row.line;
    at_ = std::min(text.find(source_.line_end, begin), text.size() - 1) + 1;
    return;
  }
  if (field.ends_with('\r')) field.pop_back();
  finish_field();
}

void TableReader::read_object(const Json& object, TableRow& row) {
  if (!object.is_object()) {
    row.fault = "no JSON object";
    return;
  }
  if (columns_.empty() && object.size() > kMaxMembers) {
    row.fault = "more than " + std::to_string(kMaxMembers) + " members";
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
