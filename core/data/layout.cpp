#include "data/layout.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace espalier {
namespace {

// Beginnings of the header of a GLUE file, and the columns of text, pair and label (methods: glue). `last`: the label
// is the last column.
struct GlueSignature {
  const char* glue;
  std::vector<std::string> header;
  int64_t text, pair, label;
  bool last = false;
};

const std::vector<GlueSignature>& glue_signatures() {
  static const std::vector<GlueSignature> kSignatures = {
      {"SST-2", {"sentence", "label"}, 0, -1, 1},
      {"MRPC", {"Quality", "#1 ID", "#2 ID", "#1 String", "#2 String"}, 3, 4, 0},
      {"MRPC", {"index", "#1 ID", "#2 ID", "#1 String", "#2 String"}, 3, 4, -1},
      {"STS-B",
       {"index", "genre", "filename", "year", "old_index", "source1", "source2", "sentence1", "sentence2", "score"},
       7,
       8,
       9,
       true},
      {"STS-B",
       {"index", "genre", "filename", "year", "old_index", "source1", "source2", "sentence1", "sentence2"},
       7,
       8,
       -1},
      {"QQP", {"id", "qid1", "qid2", "question1", "question2", "is_duplicate"}, 3, 4, 5},
      {"QQP", {"id", "question1", "question2"}, 1, 2, -1},
      {"MNLI",
       {"index", "promptID", "pairID", "genre", "sentence1_binary_parse", "sentence2_binary_parse", "sentence1_parse",
        "sentence2_parse", "sentence1", "sentence2", "label1"},
       8,
       9,
       -1,
       true},
      {"MNLI",
       {"index", "promptID", "pairID", "genre", "sentence1_binary_parse", "sentence2_binary_parse", "sentence1_parse",
        "sentence2_parse", "sentence1", "sentence2"},
       8,
       9,
       -1},
      {"QNLI", {"index", "question", "sentence", "label"}, 1, 2, 3, true},
      {"QNLI", {"index", "question", "sentence"}, 1, 2, -1},
      {"RTE", {"index", "sentence1", "sentence2", "label"}, 1, 2, 3, true},
      {"RTE", {"index", "sentence1", "sentence2"}, 1, 2, -1},
      {"SST-2", {"index", "sentence"}, 1, -1, -1}};
  return kSignatures;
}

std::string folded(std::string text) {
  std::erase_if(text, [](unsigned char c) { return !std::isalnum(c) && c != '#'; });
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

bool starts_with_fields(const std::vector<std::string>& row, const std::vector<std::string>& fields) {
  return row.size() >= fields.size() && std::equal(fields.begin(), fields.end(), row.begin());
}

// The first rows of a file: enough to tell a layout from.
std::vector<TableRow> first_rows(TableReader& reader, size_t count) {
  std::vector<TableRow> rows;
  TableRow row;
  while (rows.size() < count && reader.next(row)) {
    if (row.fault.empty()) rows.push_back(row);
  }
  return rows;
}

bool looks_like_cola(const std::vector<TableRow>& rows, const std::string& folder) {
  if (rows.empty()) return false;
  const bool shaped = std::all_of(rows.begin(), rows.end(), [](const TableRow& row) {
    return row.fields.size() == 4 && (row.fields[1] == "0" || row.fields[1] == "1") &&
           (row.fields[2].empty() || row.fields[2] == "*");
  });
  return shaped && (folder == "cola" || !rows[0].fields[0].empty());
}

std::optional<FileLayout> glue_layout(const std::vector<TableRow>& rows, const std::string& folder) {
  if (looks_like_cola(rows, folder)) {
    return FileLayout{.glue = "CoLA",
                      .columns = 4,
                      .text = 3,
                      .label = 1,
                      .explanation = "GLUE CoLA layout: no header, label in column 1, sentence in column 3"};
  }
  if (rows.empty()) return std::nullopt;
  const std::vector<std::string>& header = rows[0].fields;
  for (const GlueSignature& signature : glue_signatures()) {
    if (!starts_with_fields(header, signature.header)) continue;
    // Files of other tasks may carry the same names among more columns.
    if (!signature.last && header.size() != signature.header.size()) continue;
    FileLayout layout{.glue = signature.glue,
                      .header = true,
                      .columns = static_cast<int64_t>(header.size()),
                      .text = signature.text,
                      .pair = signature.pair,
                      .label = signature.label};
    if (signature.last) layout.label = layout.columns - 1;
    const bool digit_labels = rows.size() > 1 && layout.label >= 0 &&
                              static_cast<size_t>(layout.label) < rows[1].fields.size() &&
                              rows[1].fields[static_cast<size_t>(layout.label)].size() == 1;
    if (layout.glue == "RTE" && (folder == "wnli" || digit_labels)) layout.glue = "WNLI";
    if (layout.glue == "RTE" && (folder == "ax" || folder == "diagnostic")) layout.glue = "MNLI";
    if (layout.glue == "SST-2" && folder == "cola") layout.glue = "CoLA";
    layout.strip = layout.glue == "SST-2";
    const auto name = [&](int64_t column) { return "\"" + header[static_cast<size_t>(column)] + "\""; };
    layout.explanation = "GLUE " + layout.glue + " layout: text in " + name(layout.text);
    if (layout.pair >= 0) layout.explanation += ", second text in " + name(layout.pair);
    layout.explanation += layout.label >= 0 ? ", label in " + name(layout.label) : std::string(", no label");
    return layout;
  }
  return std::nullopt;
}

const std::array<const char*, 14> kTextNames = {"text",     "sentence", "sentence1", "question1", "premise",
                                                "question", "review",   "content",   "utterance", "query",
                                                "#1string", "texta",    "sentencea", "document"};
const std::array<const char*, 9> kPairNames = {"pair",     "sentence2", "question2", "hypothesis", "passage",
                                               "#2string", "textb",     "sentenceb", "text2"};
const std::array<const char*, 13> kLabelNames = {"label",  "goldlabel", "labels",      "class",   "category",
                                                 "intent", "target",    "isduplicate", "quality", "sentiment",
                                                 "score",  "rating",    "stars"};

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

// A column given as a name or a number; -1 when not given.
int64_t find_chosen(const std::string& chosen, const std::vector<std::string>& header, int64_t columns,
                    const std::filesystem::path& file) {
  if (chosen.empty()) return -1;
  const auto found = std::find(header.begin(), header.end(), chosen);
  if (found != header.end()) return found - header.begin();
  if (is_number(chosen) && std::stoll(chosen) < columns) return std::stoll(chosen);
  std::string known;
  for (const std::string& name : header) known += (known.empty() ? "" : ", ") + name;
  throw Error(ErrorKind::InvalidInput, {.what = "there is no such column",
                                        .where = file.string(),
                                        .got = chosen,
                                        .wanted = known.empty() ? "0 to " + std::to_string(columns - 1) : known});
}

double mean_length(const std::vector<TableRow>& rows, size_t first, int64_t column) {
  double total = 0;
  for (size_t row = first; row < rows.size(); ++row) {
    const auto& fields = rows[row].fields;
    if (static_cast<size_t>(column) < fields.size()) {
      total += static_cast<double>(fields[static_cast<size_t>(column)].size());
    }
  }
  return total;
}

[[noreturn]] void refuse_to_guess(const std::filesystem::path& file, const std::vector<std::string>& header) {
  std::string names;
  for (const std::string& name : header) names += (names.empty() ? "" : ", ") + name;
  throw Error(ErrorKind::InvalidInput, {.what = "it cannot be told which column holds the text",
                                        .where = file.string(),
                                        .got = "columns " + names,
                                        .wanted = "a column named text or sentence, and one named label",
                                        .next = "name the columns (--text-column, --pair-column, --label-column)"});
}

FileLayout named_layout(const std::vector<TableRow>& rows, const std::vector<std::string>& header, bool header_row,
                        const std::filesystem::path& file, const TaskOptions& options) {
  FileLayout layout;
  layout.header = header_row;
  layout.columns = static_cast<int64_t>(header.empty() ? rows[0].fields.size() : header.size());
  layout.text = find_chosen(options.text_column, header, layout.columns, file);
  layout.pair = find_chosen(options.pair_column, header, layout.columns, file);
  layout.label = find_chosen(options.label_column, header, layout.columns, file);
  const bool chosen = layout.text >= 0;
  if (layout.text < 0) layout.text = find_named(header, kTextNames);
  if (layout.label < 0) layout.label = find_named(header, kLabelNames);
  if (layout.pair < 0 && !chosen) layout.pair = find_named(header, kPairNames);
  const int64_t question = find_named(header, std::array<const char*, 1>{"question"});
  const int64_t sentence = find_named(header, std::array<const char*, 1>{"sentence"});
  if (!chosen && layout.pair < 0 && question >= 0 && sentence >= 0) {
    layout.text = question;
    layout.pair = sentence;
  }
  if (layout.pair == layout.text) layout.pair = -1;
  if (layout.text < 0 && header.empty() && layout.columns <= 3) {
    // No names: labels are the shortest column, texts the others in order.
    std::vector<int64_t> by_length;
    for (int64_t column = 0; column < layout.columns; ++column) by_length.push_back(column);
    std::stable_sort(by_length.begin(), by_length.end(),
                     [&](int64_t a, int64_t b) { return mean_length(rows, 0, a) < mean_length(rows, 0, b); });
    if (layout.label < 0 && layout.columns > 1) layout.label = by_length[0];
    for (int64_t column = 0; column < layout.columns; ++column) {
      if (column == layout.label) continue;
      (layout.text < 0 ? layout.text : layout.pair) = column;
    }
  }
  if (layout.text < 0) refuse_to_guess(file, header);
  const auto name = [&](int64_t column) {
    return header.empty() ? "column " + std::to_string(column) : "\"" + header[static_cast<size_t>(column)] + "\"";
  };
  layout.explanation = std::string(chosen           ? "as chosen"
                                   : header.empty() ? "guessed without a header"
                                                    : "by column names") +
                       ": text in " + name(layout.text);
  if (layout.pair >= 0) layout.explanation += ", second text in " + name(layout.pair);
  layout.explanation += layout.label >= 0 ? ", label in " + name(layout.label) : std::string(", no label");
  return layout;
}

}  // namespace

const GlueTask* find_glue_task(const std::string& name) {
  static const std::vector<GlueTask> kTasks = {{"CoLA", {"0", "1"}, "matthews"},
                                               {"SST-2", {"0", "1"}, "accuracy"},
                                               {"MRPC", {"0", "1"}, "f1"},
                                               {"STS-B", {}, "pearson", true},
                                               {"QQP", {"0", "1"}, "f1"},
                                               {"MNLI", {"contradiction", "entailment", "neutral"}, "accuracy"},
                                               {"QNLI", {"entailment", "not_entailment"}, "accuracy"},
                                               {"RTE", {"entailment", "not_entailment"}, "accuracy"},
                                               {"WNLI", {"0", "1"}, "accuracy"}};
  const auto found =
      std::find_if(kTasks.begin(), kTasks.end(), [&](const GlueTask& task) { return task.name == name; });
  return found == kTasks.end() ? nullptr : &*found;
}

FileLayout detect_layout(const std::filesystem::path& file, const TaskOptions& options) {
  const TableFormat format = table_format_of(file);
  TableReader reader(file, format);
  const std::vector<TableRow> rows = first_rows(reader, 50);
  if (rows.empty()) {
    throw Error(ErrorKind::InvalidInput, {.what = "the data file has no rows", .where = file.string()});
  }
  const bool chosen = !options.text_column.empty() || !options.pair_column.empty() || !options.label_column.empty();
  if (format == TableFormat::Tsv && !chosen) {
    const std::string folder = folded(file.parent_path().filename().string());
    if (std::optional<FileLayout> layout = glue_layout(rows, folder)) return *layout;
  }
  std::vector<std::string> header;
  bool header_row = false;
  if (format == TableFormat::Jsonl) {
    header = reader.columns();
  } else {
    const std::vector<std::string>& first = rows[0].fields;
    const auto is_name = [](const std::string& column) { return !column.empty() && !is_number(column); };
    header_row = find_named(first, kTextNames) >= 0 || find_named(first, kLabelNames) >= 0 ||
                 is_name(options.text_column) || is_name(options.label_column) || is_name(options.pair_column);
    if (header_row) header = first;
  }
  FileLayout layout = named_layout(rows, header, header_row, file, options);
  layout.format = format;
  return layout;
}

}  // namespace espalier
