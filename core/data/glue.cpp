#include "data/glue.h"

#include <algorithm>
#include <map>

#include "data/splits.h"

namespace espalier {
namespace {

// Beginnings of the header of a GLUE file, and the columns of text, pair and label. `last`: the label is the last
// column.
struct GlueSignature {
  const char* glue;
  std::vector<std::string> header;
  int64_t text, pair, label;
  bool last = false;
};

const std::vector<GlueSignature>& glue_signatures() {
  static const std::vector<std::string> kSts = {"index",   "genre",   "filename",  "year",     "old_index",
                                                "source1", "source2", "sentence1", "sentence2"};
  static const std::vector<std::string> kMnli = {
      "index",           "promptID",        "pairID",    "genre",    "sentence1_binary_parse", "sentence2_binary_parse",
      "sentence1_parse", "sentence2_parse", "sentence1", "sentence2"};
  const auto with = [](std::vector<std::string> header, const char* more) {
    header.emplace_back(more);
    return header;
  };
  static const std::vector<GlueSignature> kSignatures = {
      {"SST-2", {"sentence", "label"}, 0, -1, 1},
      {"MRPC", {"Quality", "#1 ID", "#2 ID", "#1 String", "#2 String"}, 3, 4, 0},
      {"MRPC", {"index", "#1 ID", "#2 ID", "#1 String", "#2 String"}, 3, 4, -1},
      {"STS-B", with(kSts, "score"), 7, 8, 9, true},
      {"STS-B", kSts, 7, 8, -1},
      {"QQP", {"id", "qid1", "qid2", "question1", "question2", "is_duplicate"}, 3, 4, 5},
      {"QQP", {"id", "question1", "question2"}, 1, 2, -1},
      {"MNLI", with(kMnli, "label1"), 8, 9, -1, true},
      {"MNLI", kMnli, 8, 9, -1},
      {"QNLI", {"index", "question", "sentence", "label"}, 1, 2, 3, true},
      {"QNLI", {"index", "question", "sentence"}, 1, 2, -1},
      {"RTE", {"index", "sentence1", "sentence2", "label"}, 1, 2, 3, true},
      {"RTE", {"index", "sentence1", "sentence2"}, 1, 2, -1},
      {"AX",
       {"Lexical Semantics", "Predicate-Argument Structure", "Logic", "Knowledge", "Domain", "Premise", "Hypothesis",
        "Label"},
       5,
       6,
       7},
      {"SST-2", {"index", "sentence"}, 1, -1, -1}};
  return kSignatures;
}

bool starts_with_fields(const std::vector<std::string>& row, const std::vector<std::string>& fields) {
  return row.size() >= fields.size() && std::equal(fields.begin(), fields.end(), row.begin());
}

bool looks_like_cola(const std::vector<TableRow>& rows, const std::string& folder) {
  if (rows.empty()) return false;
  const bool shaped = std::ranges::all_of(rows, [](const TableRow& row) {
    return row.fields.size() == 4 && (row.fields[1] == "0" || row.fields[1] == "1") &&
           (row.fields[2].empty() || row.fields[2] == "*");
  });
  return shaped && (folder == "cola" || !rows[0].fields[0].empty());
}

// RTE, WNLI and the diagnostics share a header.
std::string told_apart(const FileLayout& layout, const std::vector<TableRow>& rows, const std::string& folder,
                       const std::string& stem) {
  const bool diagnostic = folder == "ax" || folder == "diagnostic" || stem == "ax" || stem == "diagnostic";
  if (layout.glue == "RTE" && diagnostic) return "AX";
  const auto label = static_cast<size_t>(layout.label);
  const bool digits = layout.label >= 0 && rows.size() > 1 && label < rows[1].fields.size() &&
                      (rows[1].fields[label] == "0" || rows[1].fields[label] == "1");
  if (layout.glue == "RTE" && (folder == "wnli" || digits)) return "WNLI";
  if (layout.glue == "SST-2" && folder == "cola") return "CoLA";
  return layout.glue;
}

bool labels_fit(const GlueTask& task, const FileLayout& layout, const std::vector<TableRow>& rows) {
  if (layout.label < 0) return true;
  std::map<std::string, int64_t> foreign;
  int64_t seen = 0;
  for (size_t i = 1; i < rows.size(); ++i) {
    if (static_cast<int64_t>(rows[i].fields.size()) != layout.columns) continue;
    const std::string label(without_blanks(rows[i].fields[static_cast<size_t>(layout.label)]));
    // MNLI's own mark for pairs that its annotators did not agree on.
    if (task.name == "MNLI" && label == "-") continue;
    ++seen;
    double number = 0;
    const bool known = task.regression ? parse_number(label, number) && number >= 0 && number <= 5
                                       : std::ranges::find(task.labels, label) != task.labels.end();
    if (!known) ++foreign[label];
  }
  const bool slips = std::ranges::all_of(foreign, [](const auto& entry) { return entry.second == 1; });
  return foreign.empty() ||
         (slips && std::ssize(foreign) < seen && std::ssize(foreign) <= std::max<int64_t>(1, seen / 3));
}

}  // namespace

const GlueTask* find_glue_task(const std::string& name) {
  static const std::vector<std::string> kInference = {"contradiction", "entailment", "neutral"};
  static const std::vector<GlueTask> kTasks = {{"CoLA", {"0", "1"}, {"matthews"}},
                                               {"SST-2", {"0", "1"}, {"accuracy"}},
                                               {"MRPC", {"0", "1"}, {"f1", "accuracy"}},
                                               {"STS-B", {}, {"pearson", "spearman"}, true},
                                               {"QQP", {"0", "1"}, {"f1", "accuracy"}},
                                               {"MNLI", kInference, {"accuracy"}},
                                               {"QNLI", {"entailment", "not_entailment"}, {"accuracy"}},
                                               {"RTE", {"entailment", "not_entailment"}, {"accuracy"}},
                                               {"WNLI", {"0", "1"}, {"accuracy"}},
                                               {"AX", kInference, {"matthews"}}};
  const auto found = std::ranges::find(kTasks, name, &GlueTask::name);
  return found == kTasks.end() ? nullptr : &*found;
}

std::optional<FileLayout> glue_layout(const std::vector<TableRow>& rows, const std::string& folder,
                                      const std::string& stem) {
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
    layout.glue = told_apart(layout, rows, folder, stem);
    if (!labels_fit(*find_glue_task(layout.glue), layout, rows)) return std::nullopt;
    layout.strip = layout.glue == "SST-2";
    layout.explanation = "GLUE " + layout.glue + " layout: " + roles_of(layout, header);
    return layout;
  }
  return std::nullopt;
}

}  // namespace espalier
