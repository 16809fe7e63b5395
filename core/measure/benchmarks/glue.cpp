#include "measure/benchmarks/glue.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/error.h"
#include "base/nearest.h"
#include "data/table.h"
#include "data/task.h"
#include "formats/atomic_file.h"
#include "measure/check_sizes.h"
#include "measure/correlation.h"
#include "measure/quality.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

const GlueColumn& column_of(const fs::path& file) {
  const std::string name = file.stem().string();
  std::vector<std::string> names;
  for (const GlueColumn& column : glue_columns()) {
    if (column.name == name) return column;
    names.push_back(column.name);
  }
  const std::string nearest = nearest_name(name, names);
  throw Error(ErrorKind::InvalidInput,
              {.what = "the file's name is not that of a GLUE task",
               .where = file.string(),
               .got = "\"" + name + "\"",
               .wanted = fmt::format("{}", fmt::join(names, ", ")),
               .next = nearest.empty() ? std::string() : fmt::format("Did you mean {}.tsv?", nearest)});
}

fs::path gold_of(const GlueColumn& column, const fs::path& gold_folder) {
  std::string plain = column.folder;
  std::erase(plain, '-');
  std::string lower = plain;
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const std::string& name : {column.folder, plain, lower}) {
    if (fs::is_directory(gold_folder / name)) return gold_folder / name;
  }
  throw Error(ErrorKind::Io, {.what = "there is no data for a task to compare with",
                              .where = gold_folder.string(),
                              .got = {},
                              .wanted = "a folder \"" + column.folder + "\" or \"" + lower + "\"",
                              .next = "Give the folder that holds the GLUE tasks: --gold FOLDER."});
}

std::optional<double> number_of(const std::string& text) {
  double value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<double> numbers_of(const std::vector<std::string>& texts, const std::string& task) {
  std::vector<double> numbers;
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto number = number_of(texts[i]);
    if (!number) {
      throw Error(ErrorKind::InvalidInput, {.what = "a prediction is no number",
                                            .where = fmt::format("{}, index {}", task, i),
                                            .got = "\"" + texts[i] + "\"",
                                            .wanted = "a number such as 3.8",
                                            .next = {}});
    }
    numbers.push_back(*number);
  }
  return numbers;
}

std::vector<int32_t> indices_of(const std::vector<std::string>& texts, const std::vector<std::string>& labels,
                                const std::string& task) {
  std::vector<int32_t> indices;
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto found = std::ranges::find(labels, texts[i]);
    if (found == labels.end()) {
      throw Error(ErrorKind::InvalidInput, {.what = "a prediction is none of the task's labels",
                                            .where = fmt::format("{}, index {}", task, i),
                                            .got = "\"" + texts[i] + "\"",
                                            .wanted = fmt::format("{}", fmt::join(labels, ", ")),
                                            .next = {}});
    }
    indices.push_back(static_cast<int32_t>(found - labels.begin()));
  }
  return indices;
}

TaskScore score_file(const fs::path& file, const fs::path& gold_folder, const CancelToken& cancel) {
  const GlueColumn& column = column_of(file);
  const std::vector<std::string> predictions = read_glue_predictions(file);
  const Task task = open_task(gold_of(column, gold_folder).string());
  const Dataset dataset = task.load(column.split, cancel);
  std::vector<std::string> gold;
  for (const Example& example : dataset.examples) {
    if (task.kind == TaskKind::Regression) {
      gold.push_back(fmt::format("{}", example.score));
    } else if (example.label >= 0) {
      gold.push_back(task.labels.at(static_cast<size_t>(example.label)));
    }
  }
  if (gold.size() != predictions.size()) {
    throw Error(ErrorKind::InvalidInput,
                {.what = "the predictions are not of these examples",
                 .where = file.string(),
                 .got = fmt::format("{} predictions", predictions.size()),
                 .wanted = fmt::format("{}, as the split \"{}\" has labelled examples", gold.size(), column.split),
                 .next = {}});
  }
  return score_glue_column(column, gold, predictions,
                           task.kind == TaskKind::Regression ? std::vector<std::string>() : task.labels);
}

}  // namespace

const std::vector<GlueColumn>& glue_columns() {
  static const std::vector<GlueColumn> columns = {{"CoLA", "CoLA", "dev", {"matthews"}},
                                                  {"SST-2", "SST-2", "dev", {"accuracy"}},
                                                  {"MRPC", "MRPC", "dev", {"f1", "accuracy"}},
                                                  {"STS-B", "STS-B", "dev", {"pearson", "spearman"}},
                                                  {"QQP", "QQP", "dev", {"f1", "accuracy"}},
                                                  {"MNLI-m", "MNLI", "dev_matched", {"accuracy"}},
                                                  {"MNLI-mm", "MNLI", "dev_mismatched", {"accuracy"}},
                                                  {"QNLI", "QNLI", "dev", {"accuracy"}},
                                                  {"RTE", "RTE", "dev", {"accuracy"}},
                                                  {"WNLI", "WNLI", "dev", {"accuracy"}},
                                                  {"AX", "AX", "test", {"matthews"}}};
  return columns;
}

BenchmarkTable glue_table(std::vector<TaskScore> tasks) {
  return benchmark_table(
      std::move(tasks),
      {{"CoLA"}, {"SST-2"}, {"MRPC"}, {"STS-B"}, {"QQP"}, {"MNLI-m", "MNLI-mm"}, {"QNLI"}, {"RTE"}, {"WNLI"}});
}

TaskScore score_glue_column(const GlueColumn& column, const std::vector<std::string>& gold,
                            const std::vector<std::string>& predictions, const std::vector<std::string>& labels) {
  check_sizes(gold.size(), predictions.size());
  TaskScore score = {column.name, {}, static_cast<int64_t>(gold.size())};
  if (labels.empty()) {
    const std::vector<double> a = numbers_of(gold, column.name), b = numbers_of(predictions, column.name);
    for (const std::string& metric : column.metrics) {
      score.metrics.emplace_back(metric, 100 * (metric == "pearson" ? pearson(a, b) : spearman(a, b)));
    }
    return score;
  }
  const auto a = indices_of(gold, labels, column.name), b = indices_of(predictions, labels, column.name);
  for (const std::string& metric : column.metrics) {
    double value = 0;
    if (metric == "f1") {
      value = f1_score(a, b);
    } else if (metric == "matthews") {
      value = matthews(a, b, static_cast<int32_t>(labels.size()));
    } else {
      int64_t hits = 0;
      for (size_t i = 0; i < a.size(); ++i) hits += a[i] == b[i];
      value = a.empty() ? 0 : static_cast<double>(hits) / static_cast<double>(a.size());
    }
    score.metrics.emplace_back(metric, 100 * value);
  }
  return score;
}

void write_glue_predictions(const fs::path& file, const std::vector<std::string>& predictions) {
  write_file_atomically(file, [&](std::ostream& out) {
    out << "index\tprediction\n";
    for (size_t i = 0; i < predictions.size(); ++i) out << i << '\t' << predictions[i] << '\n';
  });
}

std::vector<std::string> read_glue_predictions(const fs::path& file) {
  std::vector<std::pair<size_t, std::string>> rows;
  TableReader reader(file, TableFormat::Tsv);
  TableRow row;
  const auto fail = [&](const std::string& what, const std::string& got) {
    throw Error(ErrorKind::Format, {.what = what,
                                    .where = fmt::format("{}, line {}", file.string(), row.line),
                                    .got = got,
                                    .wanted = "a header \"index<TAB>prediction\", then one row an example",
                                    .next = {}});
  };
  if (!reader.next(row) || row.fields != std::vector<std::string>{"index", "prediction"}) {
    fail("this is no file of predictions", row.fields.empty() ? "" : row.fields.front());
  }
  while (reader.next(row)) {
    size_t index = 0;
    if (row.fields.size() != 2) fail("a row has not two fields", std::to_string(row.fields.size()));
    const std::string& digits = row.fields[0];
    const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (fault != std::errc() || end != digits.data() + digits.size()) fail("an index is no whole number", digits);
    rows.emplace_back(index, row.fields[1]);
  }
  std::ranges::stable_sort(rows, {}, &std::pair<size_t, std::string>::first);
  std::vector<std::string> predictions;
  for (auto& [index, prediction] : rows) {
    if (index != predictions.size()) {
      throw Error(ErrorKind::Format, {.what = "the indices do not count up from 0",
                                      .where = file.string(),
                                      .got = std::to_string(index),
                                      .wanted = std::to_string(predictions.size()),
                                      .next = {}});
    }
    predictions.push_back(std::move(prediction));
  }
  return predictions;
}

BenchmarkTable score_glue(const std::vector<fs::path>& predictions, const fs::path& gold_folder,
                          const CancelToken& cancel) {
  std::vector<TaskScore> tasks;
  for (const fs::path& file : predictions) {
    cancel.throw_if_cancelled();
    tasks.push_back(score_file(file, gold_folder, cancel));
  }
  return glue_table(std::move(tasks));
}

}  // namespace espalier
