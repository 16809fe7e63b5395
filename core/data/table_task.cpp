#include "data/table_task.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "data/glue.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxLabels = 1000;

struct SplitFile {
  std::string split;
  fs::path file;
  FileLayout layout;
};

struct Labels {
  bool regression = false;
  LabelIndex index;
};

// Goes through the usable rows of a split; `row` has as many fields as the layout says.
void for_each_row(const SplitFile& split, Dataset& counts, const CancelToken& cancel,
                  const std::function<void(const TableRow&)>& use) {
  TableReader reader(split.file, split.layout.format);
  const FileLayout& layout = split.layout;
  TableRow row;
  if (layout.header) reader.next(row);
  for (int64_t count = 0; reader.next(row); ++count) {
    if (count % 1024 == 0) cancel.throw_if_cancelled();
    const auto fields = static_cast<int64_t>(row.fields.size());
    if (row.recoded) ++counts.recoded;
    if (!row.fault.empty()) {
      skip_row(counts.skipped, place_of(layout.format, row.line), row.fault);
    } else if (fields != layout.columns) {
      skip_row(counts.skipped, place_of(layout.format, row.line),
               std::to_string(fields) + " fields, wanted " + std::to_string(layout.columns));
    } else {
      use(row);
    }
  }
}

Dataset load_table(const SplitFile& split, const Labels& labels, const CancelToken& cancel) {
  const FileLayout& layout = split.layout;
  Dataset dataset;
  for_each_row(split, dataset, cancel, [&](const TableRow& row) {
    const auto field = [&](int64_t column) {
      const std::string& text = row.fields[static_cast<size_t>(column)];
      return layout.strip ? std::string(without_blanks(text)) : text;
    };
    Example example;
    example.text = field(layout.text);
    if (layout.pair >= 0) {
      example.pair = field(layout.pair);
      example.has_pair = true;
    }
    if (layout.label >= 0) {
      const std::string label(without_blanks(row.fields[static_cast<size_t>(layout.label)]));
      const auto skip = [&](const char* reason) {
        skip_row(dataset.skipped, place_of(layout.format, row.line), "\"" + label + "\" is " + reason);
      };
      if (labels.regression) {
        if (!parse_number(label, example.score)) return skip("no number");
      } else {
        example.label = labels.index.find(label);
        if (example.label < 0) return skip("no label of the task");
      }
    }
    dataset.examples.push_back(std::move(example));
  });
  return dataset;
}

// The distinct labels of a split; `fractions` when all are numbers and some are no whole ones.
std::vector<std::string> labels_in(const SplitFile& split, bool& fractions) {
  std::set<std::string> found;
  Dataset ignored;
  bool any_fraction = false;
  bool all_numbers = true;
  for_each_row(split, ignored, {}, [&](const TableRow& row) {
    std::string label(without_blanks(row.fields[static_cast<size_t>(split.layout.label)]));
    if (found.contains(label)) return;
    double number = 0;
    const bool is_number = parse_number(label, number);
    all_numbers = all_numbers && is_number;
    any_fraction = any_fraction || (is_number && number != std::floor(number));
    // A column of texts is no column of labels: enough is kept to say so.
    if (all_numbers || found.size() <= kMaxLabels) found.insert(std::move(label));
  });
  fractions = !found.empty() && all_numbers && any_fraction;
  if (!fractions && found.size() > kMaxLabels) {
    throw Error(ErrorKind::InvalidInput,
                {.what = "the label column has too many different values to be one",
                 .where = split.file.string(),
                 .got = "more than " + std::to_string(kMaxLabels) + " values",
                 .wanted = "at most " + std::to_string(kMaxLabels),
                 .next = "Name the label column: espalier inspect FILE --label-column NAME --save."});
  }
  return {found.begin(), found.end()};
}

std::vector<SplitFile> detect_all(const std::map<std::string, fs::path>& file_of_split, const TaskOptions& options,
                                  bool may_be_glue) {
  std::vector<SplitFile> splits;
  for (const auto& [split, file] : file_of_split) {
    splits.push_back({split, file, detect_layout(file, options, may_be_glue)});
  }
  return splits;
}

// All files of a folder are one GLUE task or none is. The task is told by the files with labels.
std::vector<SplitFile> detect_splits(const std::map<std::string, fs::path>& file_of_split, const TaskOptions& options) {
  std::vector<SplitFile> splits = detect_all(file_of_split, options, true);
  std::string glue;
  for (const SplitFile& split : splits) {
    if (split.layout.label >= 0 || glue.empty()) glue = split.layout.glue;
  }
  const bool agree = std::ranges::all_of(
      splits, [&](const SplitFile& split) { return split.layout.label < 0 || split.layout.glue == glue; });
  if (!agree) return detect_all(file_of_split, options, false);
  // The header of an unlabelled test file may be that of another task.
  for (SplitFile& split : splits) {
    if (split.layout.label < 0 && !split.layout.glue.empty() && !glue.empty()) split.layout.glue = glue;
  }
  return splits;
}

Labels decide_labels(const std::vector<SplitFile>& splits, const TaskOptions& options) {
  Labels labels;
  std::vector<std::string> in_data;
  if (const GlueTask* glue = find_glue_task(splits[0].layout.glue)) {
    labels.regression = glue->regression;
    in_data = glue->labels;
  } else {
    const auto by_training = [&](const SplitFile& split) { return split.layout.label >= 0 && split.split == "train"; };
    auto labelled = std::ranges::find_if(splits, by_training);
    if (labelled == splits.end()) {
      labelled = std::ranges::find_if(splits, [](const SplitFile& split) { return split.layout.label >= 0; });
    }
    if (labelled != splits.end()) {
      bool fractions = false;
      in_data = labels_in(*labelled, fractions);
      labels.regression = options.kind ? *options.kind == TaskKind::Regression : fractions;
    }
  }
  if (!labels.regression) labels.index = LabelIndex(in_label_order(in_data), options.labels);
  return labels;
}

}  // namespace

void open_tables(Task& task, const std::map<std::string, fs::path>& file_of_split, bool one_file,
                 const TaskOptions& options) {
  const std::vector<SplitFile> splits = detect_splits(file_of_split, options);
  const auto labels = std::make_shared<const Labels>(decide_labels(splits, options));
  task.kind = labels->regression ? TaskKind::Regression : TaskKind::Classification;
  task.labels = labels->index.names();
  const GlueTask* glue = find_glue_task(splits[0].layout.glue);
  if (glue != nullptr) {
    task.benchmark = "GLUE " + glue->name;
    task.metrics = glue->metrics;
  } else if (labels->regression) {
    task.metrics = {"pearson", "spearman"};
  } else {
    task.metrics = {"accuracy"};
  }
  task.metric = task.metrics[0];
  std::vector<SplitSource> sources;
  for (const SplitFile& split : splits) {
    task.description += split.split + ": " + split.file.filename().string() + ", " + split.layout.explanation + ". ";
    sources.push_back({split.split,
                       [split, labels](const CancelToken& cancel) { return load_table(split, *labels, cancel); },
                       [file = split.file] { return std::vector<fs::path>{file}; }});
  }
  task.description += labels->regression ? "Labels are real numbers." : std::to_string(task.labels.size()) + " labels.";
  set_splits(task, std::move(sources), one_file);
}

}  // namespace espalier
