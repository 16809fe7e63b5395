#include "data/layout.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/error.h"
#include "data/glue.h"

namespace espalier {
namespace {

constexpr size_t kFirstRows = 50;
// Places further on that are looked at, and the rows read at each.
constexpr int kPlaces = 12;
constexpr int kRowsAtPlace = 8;
// So many columns without names can be told apart by their lengths.
constexpr int64_t kMostUnnamed = 3;

std::string folded(std::string text) {
  std::erase_if(text, [](unsigned char c) { return !std::isalnum(c) && c != '#'; });
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

const std::array<const char*, 18> kTextNames = {
    "text",  "sentence", "sentence1", "question1", "premise",  "question", "review",  "content", "utterance",
    "query", "#1string", "texta",     "sentencea", "document", "message",  "comment", "tweet",   "body"};
const std::array<const char*, 9> kPairNames = {"pair",     "sentence2", "question2", "hypothesis", "passage",
                                               "#2string", "textb",     "sentenceb", "text2"};
const std::array<const char*, 14> kLabelNames = {"label",  "goldlabel", "labels",      "class",   "category",
                                                 "intent", "target",    "isduplicate", "quality", "sentiment",
                                                 "score",  "rating",    "stars",       "emotion"};

template <size_t N>
int64_t find_named(const std::vector<std::string>& header, const std::array<const char*, N>& names) {
  for (const char* name : names) {
    for (size_t column = 0; column < header.size(); ++column) {
      if (folded(header[column]) == name) return static_cast<int64_t>(column);
    }
  }
  return -1;
}

bool is_number(const std::string& text) {
  return text.size() < 6 && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

std::string joined(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return all;
}

// A column given as a name or a number; -1 when not given, or given as "none".
int64_t find_chosen(const std::string& chosen, const std::vector<std::string>& header, int64_t columns,
                    const std::filesystem::path& file) {
  if (chosen.empty()) return -1;
  const auto found = std::find(header.begin(), header.end(), chosen);
  if (found != header.end()) return found - header.begin();
  if (chosen == "none") return -1;
  if (is_number(chosen) && std::stoll(chosen) < columns) return std::stoll(chosen);
  throw Error(ErrorKind::InvalidInput,
              {.what = "there is no such column",
               .where = file.string(),
               .got = chosen,
               .wanted = header.empty() ? "0 to " + std::to_string(columns - 1) : joined(header)});
}

size_t total_length(const std::vector<TableRow>& rows, int64_t column) {
  size_t total = 0;
  for (const TableRow& row : rows) {
    if (static_cast<size_t>(column) < row.fields.size()) total += row.fields[static_cast<size_t>(column)].size();
  }
  return total;
}

// Columns without telling names: the shortest holds labels, the others texts in their order.
void guess_by_length(FileLayout& layout, const std::vector<TableRow>& rows) {
  std::vector<int64_t> by_length;
  for (int64_t column = 0; column < layout.columns; ++column) by_length.push_back(column);
  std::ranges::stable_sort(by_length, {}, [&](int64_t column) { return total_length(rows, column); });
  if (layout.label < 0 && layout.columns > 1) layout.label = by_length[0];
  for (int64_t column = 0; column < layout.columns; ++column) {
    if (column == layout.label) continue;
    (layout.text < 0 ? layout.text : layout.pair) = column;
  }
}

// The first row of a file without known names is a header when its label is the only one of its kind among labels that
// all come again.
bool first_row_stands_apart(const std::vector<TableRow>& rows, int64_t label) {
  if (label < 0 || rows.size() < 4) return false;
  std::map<std::string, int> counts;
  for (const TableRow& row : rows) {
    if (static_cast<size_t>(label) < row.fields.size()) ++counts[row.fields[static_cast<size_t>(label)]];
  }
  return counts[rows[0].fields[static_cast<size_t>(label)]] == 1 &&
         std::ranges::count_if(counts, [](const auto& entry) { return entry.second == 1; }) == 1;
}

void choose_by_name(FileLayout& layout, const std::vector<std::string>& header, const TaskOptions& options) {
  const bool chosen = layout.text >= 0;
  if (layout.text < 0) layout.text = find_named(header, kTextNames);
  if (layout.label < 0 && options.label_column.empty()) layout.label = find_named(header, kLabelNames);
  if (chosen || !options.pair_column.empty()) return;
  layout.pair = find_named(header, kPairNames);
  const int64_t question = find_named(header, std::array<const char*, 1>{"question"});
  const int64_t sentence = find_named(header, std::array<const char*, 1>{"sentence"});
  if (layout.pair < 0 && question >= 0 && sentence >= 0) {
    layout.text = question;
    layout.pair = sentence;
  }
  if (layout.pair == layout.text) layout.pair = -1;
}

}  // namespace

std::string roles_of(const FileLayout& layout, const std::vector<std::string>& header) {
  const auto name = [&](int64_t column) {
    return header.empty() ? "column " + std::to_string(column) : "\"" + header[static_cast<size_t>(column)] + "\"";
  };
  std::string roles = "text in " + name(layout.text);
  if (layout.pair >= 0) roles += ", second text in " + name(layout.pair);
  return roles + (layout.label >= 0 ? ", label in " + name(layout.label) : std::string(", no label"));
}

TableHead read_head(const std::filesystem::path& file) {
  TableHead head;
  head.format = table_format_of(file);
  TableReader reader(file, head.format);
  head.encoding = reader.encoding();
  TableRow row;
  const auto keep = [&] {
    head.recoded = head.recoded || row.recoded;
    if (row.fault.empty()) head.rows.push_back(row);
  };
  while (head.rows.size() < kFirstRows && reader.next(row)) keep();
  const bool lines = head.format == TableFormat::Tsv || head.format == TableFormat::Jsonl;
  for (int place = 1; lines && place <= kPlaces; ++place) {
    reader.jump(static_cast<double>(place) / (kPlaces + 1));
    for (int i = 0; i < kRowsAtPlace && reader.next(row); ++i) keep();
  }
  head.columns = reader.columns();
  if (!head.rows.empty()) return head;
  throw Error(ErrorKind::InvalidInput, {.what = "the data file has no rows", .where = file.string()});
}

FileLayout guess_layout(const TableHead& head, const std::filesystem::path& file, const TaskOptions& options,
                        bool may_be_glue) {
  const bool chosen = !options.text_column.empty() || !options.pair_column.empty() || !options.label_column.empty();
  if (head.format == TableFormat::Tsv && !chosen && may_be_glue) {
    const std::string folder = folded(file.parent_path().filename().string());
    if (auto layout = glue_layout(head.rows, folder, folded(file.stem().string()))) return *layout;
  }
  const bool json = head.format == TableFormat::Jsonl || head.format == TableFormat::JsonDocument;
  const std::vector<std::string>& first = head.rows[0].fields;
  const auto is_name = [](const std::string& column) {
    return !column.empty() && !is_number(column) && column != "none";
  };
  FileLayout layout;
  layout.format = head.format;
  layout.header =
      !json && (find_named(first, kTextNames) >= 0 || find_named(first, kLabelNames) >= 0 ||
                is_name(options.text_column) || is_name(options.label_column) || is_name(options.pair_column));
  const std::vector<std::string> header = json ? head.columns : layout.header ? first : std::vector<std::string>();
  layout.columns = static_cast<int64_t>(json ? header.size() : first.size());
  layout.text = find_chosen(options.text_column, header, layout.columns, file);
  layout.pair = find_chosen(options.pair_column, header, layout.columns, file);
  layout.label = find_chosen(options.label_column, header, layout.columns, file);
  std::string how = chosen ? "as chosen" : header.empty() ? "guessed without a header" : "by column names";
  choose_by_name(layout, header, options);
  if (header.empty() && layout.text < 0 && layout.columns <= kMostUnnamed && options.label_column.empty()) {
    guess_by_length(layout, head.rows);
  }
  if (!json && !layout.header && first_row_stands_apart(head.rows, layout.label)) {
    layout.header = true;
    how += ", the first row taken for a header because no other row has its label";
  }
  layout.explanation = layout.text < 0 ? "it cannot be told which column holds the text"
                                       : how + ": " + roles_of(layout, layout.header ? first : header);
  return layout;
}

std::vector<std::string> column_names(const TableHead& head, const FileLayout& layout) {
  if (!head.columns.empty()) return head.columns;
  if (layout.header) return head.rows[0].fields;
  std::vector<std::string> names;
  for (int64_t column = 0; column < layout.columns; ++column) names.push_back(std::to_string(column));
  return names;
}

FileLayout detect_layout(const std::filesystem::path& file, const TaskOptions& options, bool may_be_glue) {
  const TableHead head = read_head(file);
  FileLayout layout = guess_layout(head, file, options, may_be_glue);
  if (layout.text < 0) {
    throw Error(ErrorKind::InvalidInput,
                {.what = "it cannot be told which column holds the text",
                 .where = file.string(),
                 .got = "columns " + joined(column_names(head, layout)),
                 .wanted = "a column named text or sentence, and one named label",
                 .next = "Name the columns: espalier inspect FILE --text-column NAME --label-column NAME --save."});
  }
  if (head.encoding != "UTF-8") layout.explanation += "; " + head.encoding;
  if (head.recoded) layout.explanation += "; bytes that are no UTF-8 are read as Windows-1252";
  return layout;
}

}  // namespace espalier
