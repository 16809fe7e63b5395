#include "data/summary.h"

#include <algorithm>
#include <map>

#include "base/json.h"
#include "data/layout.h"
#include "data/splits.h"
#include "text/unicode.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr size_t kValuesShown = 5;

ColumnPreview preview_column(const TableHead& head, const FileLayout& layout, int64_t column, const std::string& name) {
  ColumnPreview preview;
  preview.name = name;
  preview.role = column == layout.text    ? "text"
                 : column == layout.pair  ? "pair"
                 : column == layout.label ? "label"
                                          : "";
  std::map<std::string, int64_t> counts;
  int64_t seen = 0;
  for (size_t row = layout.header ? 1 : 0; row < head.rows.size(); ++row) {
    const auto& fields = head.rows[row].fields;
    if (static_cast<size_t>(column) >= fields.size()) continue;
    const std::string& value = fields[static_cast<size_t>(column)];
    ++counts[value];
    ++seen;
    preview.mean_length += static_cast<double>(value.size());
  }
  preview.mean_length /= static_cast<double>(std::max<int64_t>(1, seen));
  preview.distinct = std::ssize(counts);
  std::vector<std::pair<std::string, int64_t>> frequent(counts.begin(), counts.end());
  std::ranges::stable_sort(frequent, std::ranges::greater(), &std::pair<std::string, int64_t>::second);
  for (size_t i = 0; i < frequent.size() && i < kValuesShown; ++i) preview.values.push_back(frequent[i].first);
  return preview;
}

SplitSummary summarize_split(const Task& task, const std::string& split, const Dataset& data) {
  SplitSummary summary;
  summary.split = split;
  summary.examples = std::ssize(data.examples);
  summary.skipped = data.skipped;
  summary.recoded = data.recoded;
  summary.label_counts.assign(task.labels.size(), 0);
  const auto count = [&](int32_t label) {
    if (label >= 0 && static_cast<size_t>(label) < task.labels.size())
      ++summary.label_counts[static_cast<size_t>(label)];
  };
  for (const Example& example : data.examples) {
    count(example.label);
    for (const int32_t tag : example.tags) count(tag);
    summary.impossible += example.impossible ? 1 : 0;
    const bool bare = task.kind == TaskKind::Classification        ? example.label < 0
                      : task.kind == TaskKind::TokenClassification ? example.tags.empty()
                      : task.kind == TaskKind::QuestionAnswering   ? example.answers.empty() && !example.impossible
                                                                   : false;
    summary.unlabelled += bare ? 1 : 0;
    summary.mean_code_points += static_cast<double>(count_code_points(example.text) + count_code_points(example.pair));
  }
  summary.mean_code_points /= static_cast<double>(std::max<int64_t>(1, summary.examples));
  return summary;
}

Json to_json(const SplitSummary& summary, const Task& task) {
  Json json = {{"split", summary.split},
               {"examples", summary.examples},
               {"skipped", {{"count", summary.skipped.count}, {"first_reasons", summary.skipped.first_reasons}}},
               {"recoded", summary.recoded},
               {"unlabelled", summary.unlabelled},
               {"mean_code_points", summary.mean_code_points}};
  if (task.kind == TaskKind::QuestionAnswering) json["impossible"] = summary.impossible;
  if (!task.labels.empty()) json["labels"] = Json::object();
  for (size_t i = 0; i < task.labels.size(); ++i) json["labels"][task.labels[i]] = summary.label_counts[i];
  return json;
}

}  // namespace

TablePreview preview_table(const fs::path& file, const TaskOptions& options, size_t rows) {
  const TableHead head = read_head(file);
  const FileLayout layout = guess_layout(head, file, options);
  TablePreview preview;
  preview.file = file;
  preview.format = to_string(head.format);
  preview.encoding = head.recoded ? "Windows-1252 in part" : head.encoding;
  preview.explanation = layout.explanation;
  preview.complete = layout.text >= 0;
  const std::vector<std::string> names = column_names(head, layout);
  for (int64_t column = 0; column < std::ssize(names); ++column) {
    preview.columns.push_back(preview_column(head, layout, column, names[static_cast<size_t>(column)]));
  }
  const size_t first = layout.header ? 1 : 0;
  preview.rows_seen = std::ssize(head.rows) - static_cast<int64_t>(first);
  for (size_t row = first; row < head.rows.size() && preview.rows.size() < rows; ++row) {
    preview.rows.push_back(head.rows[row].fields);
  }
  return preview;
}

std::optional<fs::path> table_of(const fs::path& file_or_folder) {
  std::error_code error;
  if (!fs::is_directory(file_or_folder, error)) {
    return is_table_file(file_or_folder) ? std::optional(file_or_folder) : std::nullopt;
  }
  std::map<std::string, fs::path> tables;
  size_t others = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(file_or_folder)) {
    if (!entry.is_regular_file(error) || !is_table_file(entry.path())) continue;
    const std::string split = split_of(entry.path().stem().string());
    others += split.empty() ? 1 : 0;
    tables.emplace(split, entry.path());
  }
  for (const char* split : {"train", "dev", "test"}) {
    if (const auto found = tables.find(split); found != tables.end()) return found->second;
  }
  return tables.size() == 1 && others <= 1 ? std::optional(tables.begin()->second) : std::nullopt;
}

Json to_json(const TablePreview& preview) {
  Json columns = Json::array();
  for (const ColumnPreview& column : preview.columns) {
    columns.push_back({{"name", column.name},
                       {"role", column.role},
                       {"distinct", column.distinct},
                       {"mean_length", column.mean_length},
                       {"values", column.values}});
  }
  return {{"file", preview.file.string()},
          {"format", preview.format},
          {"encoding", preview.encoding},
          {"explanation", preview.explanation},
          {"complete", preview.complete},
          {"rows_seen", preview.rows_seen},
          {"columns", columns},
          {"rows", preview.rows}};
}

TaskSummary summarize(const Task& task, size_t first_examples, const CancelToken& cancel) {
  TaskSummary summary;
  for (const std::string& split : task.splits) {
    Dataset data = task.load(split, cancel);
    summary.splits.push_back(summarize_split(task, split, data));
    if (summary.splits.size() > 1) continue;
    data.examples.resize(std::min(data.examples.size(), first_examples));
    summary.first = std::move(data.examples);
  }
  return summary;
}

Json to_json(const Example& example, const Task& task) {
  Json json = {{"text", example.text}};
  if (example.has_pair) json["pair"] = example.pair;
  if (!example.id.empty()) json["id"] = example.id;
  if (!example.group.empty()) json["group"] = example.group;
  if (!example.candidate.empty()) json["candidate"] = example.candidate;
  const auto name = [&](int32_t label) {
    return label >= 0 && static_cast<size_t>(label) < task.labels.size() ? Json(task.labels[static_cast<size_t>(label)])
                                                                         : Json();
  };
  if (task.kind == TaskKind::Classification) json["label"] = name(example.label);
  if (task.kind == TaskKind::Regression) json["score"] = example.score;
  if (task.kind == TaskKind::TokenClassification) {
    json["words"] = example.words;
    json["tags"] = Json::array();
    for (const int32_t tag : example.tags) json["tags"].push_back(name(tag));
  }
  if (task.kind == TaskKind::QuestionAnswering) {
    json["impossible"] = example.impossible;
    json["answers"] = Json::array();
    for (const Answer& answer : example.answers) {
      json["answers"].push_back({{"text", answer.text}, {"begin", answer.begin}});
    }
  }
  return json;
}

Json to_json(const Task& task, const TaskSummary& summary) {
  Json splits = Json::array();
  for (const SplitSummary& split : summary.splits) splits.push_back(to_json(split, task));
  Json first = Json::array();
  for (const Example& example : summary.first) first.push_back(to_json(example, task));
  return {{"name", task.name},
          {"kind", to_string(task.kind)},
          {"benchmark", task.benchmark},
          {"metrics", task.metrics},
          {"labels", task.labels},
          {"description", task.description},
          {"licence", task.provenance.licence},
          {"source", task.provenance.source},
          {"checksum", task.provenance.checksum},
          {"splits", splits},
          {"examples", first}};
}

}  // namespace espalier
