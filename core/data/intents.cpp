#include "data/intents.h"

#include "base/error.h"
#include "base/json.h"
#include "data/source_text.h"

namespace espalier {
namespace {

constexpr size_t kHead = size_t{1} << 12;
constexpr size_t kMaxDocument = size_t{1} << 29;

// The split that a member belongs to; empty for other members.
std::string split_of_member(const std::string& member) {
  return split_of(member.starts_with("oos_") ? member.substr(4) : member);
}

bool is_pair(const Json& row) { return row.is_array() && row.size() == 2 && row[0].is_string() && row[1].is_string(); }

// `{ "split": [ [`, blanks apart: what such a document begins with.
bool begins_like_intents(std::string_view text) {
  std::string head;
  for (const char c : text.substr(0, kHead)) {
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') head.push_back(c);
    if (head.size() >= 64) break;
  }
  const size_t quote = head.find('"', 2);
  return head.starts_with("{\"") && quote != std::string::npos && head.compare(quote, 5, "\":[[\"") == 0 &&
         !split_of_member(head.substr(2, quote - 2)).empty();
}

Json read_document(const std::filesystem::path& file) {
  const SourceText source = read_source_text(file);
  if (source.text.size() > kMaxDocument) {
    throw Error(ErrorKind::InvalidInput, {.what = "the document is too large to be read as a whole",
                                          .where = file.string(),
                                          .got = std::to_string(source.text.size()) + " bytes",
                                          .wanted = "at most " + std::to_string(kMaxDocument)});
  }
  bool recoded = false;
  return parse_json(to_utf8(source.text, recoded), file.string());
}

Dataset load_members(const std::filesystem::path& file, const std::string& split, const LabelIndex& labels,
                     const CancelToken& cancel) {
  const Json document = read_document(file);
  Dataset dataset;
  // What is in scope comes first.
  for (const bool out_of_scope : {false, true}) {
    for (const auto& [member, rows] : document.items()) {
      if (split_of_member(member) != split || member.starts_with("oos_") != out_of_scope || !rows.is_array()) continue;
      for (size_t i = 0; i < rows.size(); ++i) {
        if (i % 1024 == 0) cancel.throw_if_cancelled();
        const std::string place = member + " " + std::to_string(i + 1);
        if (!is_pair(rows[i])) {
          skip_row(dataset.skipped, place, "no pair of text and label");
          continue;
        }
        const auto name = rows[i][1].get<std::string>();
        Example example;
        example.text = rows[i][0].get<std::string>();
        example.label = labels.find(name);
        if (example.label < 0) {
          skip_row(dataset.skipped, place, "\"" + name + "\" is no label of the task");
          continue;
        }
        dataset.examples.push_back(std::move(example));
      }
    }
  }
  return dataset;
}

}  // namespace

bool open_intents(Task& task, const std::filesystem::path& file, const TaskOptions& options) {
  if (file.extension() != ".json" || options.kind.value_or(TaskKind::Classification) != TaskKind::Classification) {
    return false;
  }
  if (!begins_like_intents(read_source_text(file).text)) return false;
  const Json document = read_document(file);
  if (!document.is_object()) return false;
  std::vector<std::string> found;
  std::vector<std::string> splits;
  bool out_of_scope = false;
  for (const auto& [member, rows] : document.items()) {
    const std::string split = split_of_member(member);
    if (split.empty() || !rows.is_array()) continue;
    if (std::ranges::find(splits, split) == splits.end()) splits.push_back(split);
    out_of_scope = out_of_scope || member.starts_with("oos_");
    for (const Json& row : rows) {
      if (is_pair(row) && split == "train") found.push_back(row[1].get<std::string>());
    }
  }
  const auto labels = std::make_shared<const LabelIndex>(in_label_order(std::move(found)), options.labels);
  task.kind = TaskKind::Classification;
  task.labels = labels->names();
  task.metric = "accuracy";
  task.metrics = {"accuracy"};
  task.description = file.filename().string() + ": pairs of text and label by split" +
                     (out_of_scope ? ", out-of-scope texts joined to their splits. " : ". ") +
                     std::to_string(task.labels.size()) + " labels.";
  std::vector<SplitSource> sources;
  for (const std::string& split : splits) {
    sources.push_back(
        {split, [file, split, labels](const CancelToken& cancel) { return load_members(file, split, *labels, cancel); },
         [file] { return std::vector<std::filesystem::path>{file}; }});
  }
  set_splits(task, std::move(sources));
  return true;
}

}  // namespace espalier
