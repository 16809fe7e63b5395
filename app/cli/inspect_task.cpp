// The half of `espalier inspect` that looks at data.

#include "app/cli/inspect_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "data/dataset_card.h"
#include "data/summary.h"

namespace espalier::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kShownBytes = 100;
constexpr size_t kShownLabels = 20;

// One line of a text, cut at a whole character.
std::string shortened(std::string text, size_t most = kShownBytes) {
  std::ranges::replace_if(
      text, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) --most;
  return text.substr(0, most) + "...";
}

void print_columns(const TablePreview& preview) {
  fmt::print("{}: {}, {}\n{}\n\n", preview.file.filename().string(), preview.format, preview.encoding,
             preview.explanation);
  TextTable table({"column", "role", "different", "mean bytes", "values"});
  for (const ColumnPreview& column : preview.columns) {
    std::string values;
    for (const std::string& value : column.values) values += (values.empty() ? "" : " | ") + shortened(value, 24);
    table.add({column.name, column.role, fmt::format("{} of {}", column.distinct, preview.rows_seen),
               fmt::format("{:.0f}", column.mean_length), values});
  }
  table.print(5);
}

void print_example(const Json& example) {
  const auto print = [&](const std::string& name, const Json& value) {
    fmt::print("  {}: {}\n", name, shortened(value.is_string() ? value.get<std::string>() : value.dump()));
  };
  print("text", example.at("text"));
  if (example.contains("pair")) print("pair", example.at("pair"));
  for (const auto& [name, value] : example.items()) {
    if (name != "text" && name != "pair" && name != "words" && !value.is_null()) print(name, value);
  }
  fmt::print("\n");
}

void print_task(const Task& task, const TaskSummary& summary) {
  fmt::print("{}: {}{}\n{}\n", task.name, to_string(task.kind), task.benchmark.empty() ? "" : ", " + task.benchmark,
             task.description);
  if (!task.provenance.licence.empty()) fmt::print("licence: {}\n", task.provenance.licence);
  if (!task.provenance.source.empty()) fmt::print("source: {}\n", task.provenance.source);
  if (!task.provenance.checksum.empty()) fmt::print("made from: {}\n", task.provenance.checksum);
  fmt::print("\n");
  TextTable splits({"split", "examples", "skipped", "recoded", "unlabelled", "mean length"});
  for (const SplitSummary& split : summary.splits) {
    splits.add({split.split, std::to_string(split.examples), std::to_string(split.skipped.count),
                std::to_string(split.recoded), std::to_string(split.unlabelled),
                fmt::format("{:.1f}", split.mean_code_points)});
  }
  splits.print();
  for (const SplitSummary& split : summary.splits) {
    for (const std::string& reason : split.skipped.first_reasons) {
      fmt::print("skipped in {}, {}\n", split.split, shortened(reason, 200));
    }
  }
  if (task.labels.empty()) return;
  std::vector<std::string> header = {"label"};
  for (const SplitSummary& split : summary.splits) header.push_back(split.split);
  TextTable labels(header);
  for (size_t i = 0; i < task.labels.size() && i < kShownLabels; ++i) {
    std::vector<std::string> row = {task.labels[i]};
    for (const SplitSummary& split : summary.splits) row.push_back(std::to_string(split.label_counts[i]));
    labels.add(row);
  }
  fmt::print("\n");
  labels.print();
  if (task.labels.size() > kShownLabels) fmt::print("... {} labels in all\n", task.labels.size());
}

// What the columns of the task's table look like; nothing for other data.
std::optional<TablePreview> preview_of(const InspectTaskOptions& wanted, const TaskOptions& options) {
  if (wanted.task == "lab" || options.kind.value_or(TaskKind::Classification) > TaskKind::Regression) return {};
  const auto table = table_of(wanted.task);
  if (!table) return {};
  return preview_table(*table, options, wanted.rows);
}

void save_options(const InspectTaskOptions& wanted) {
  const fs::path path = wanted.task;
  const fs::path folder = fs::is_directory(path) ? path : fs::absolute(path).parent_path();
  DatasetCard card = read_dataset_card(folder);
  card.options = merged(wanted.options, card.options);
  write_dataset_card(folder, card);
}

}  // namespace

void inspect_task(Program& program, const InspectTaskOptions& wanted) {
  std::optional<Task> task;
  std::optional<Error> fault;
  try {
    task = open_task(wanted.task, wanted.options);
  } catch (const Error& error) {
    fault = error;
  }
  // A table whose columns cannot be told is shown all the same: that is how one learns their names.
  std::optional<TablePreview> preview;
  const bool plain_table = fault || (task->benchmark.empty() && task->kind <= TaskKind::Regression);
  try {
    if (plain_table) preview = preview_of(wanted, wanted.options);
  } catch (const Error&) {
    if (!fault) throw;
  }
  if (fault) {
    if (preview && !preview->complete) {
      if (program.json()) {
        fmt::print(stderr, "{}\n", to_json(*preview).dump(1, ' ', false, Json::error_handler_t::replace));
      } else {
        print_columns(*preview);
        fmt::print("\n");
      }
    }
    throw *fault;
  }
  // A document that is no table was read in another way.
  if (preview && !preview->complete) preview.reset();
  const TaskSummary summary = summarize(*task, wanted.rows, program.cancel());
  if (wanted.save) save_options(wanted);
  if (program.json()) {
    Json answer = to_json(*task, summary);
    if (preview) answer["table"] = to_json(*preview);
    program.print_json(answer);
    return;
  }
  print_task(*task, summary);
  if (preview) {
    fmt::print("\n");
    print_columns(*preview);
  }
  if (!summary.first.empty()) fmt::print("\nFirst examples of {}:\n", task->splits.front());
  for (const Example& example : summary.first) print_example(to_json(example, *task));
}

}  // namespace espalier::cli
