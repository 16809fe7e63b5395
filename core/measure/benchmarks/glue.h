#pragma once
// GLUE (Wang 2019, arXiv 1804.07461): nine tasks and a diagnostic set.

#include <filesystem>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "measure/benchmarks/table.h"

namespace espalier {

// One column of the table; MNLI has two ("MNLI-m", "MNLI-mm").
struct GlueColumn {
  std::string name;                  // and of its submission file: "SST-2.tsv"
  std::string folder;                // of its data: "SST-2", "MNLI"
  std::string split;                 // of the labelled examples: "dev", "dev_matched", "dev_mismatched"
  std::vector<std::string> metrics;  // of "accuracy", "f1", "matthews", "pearson", "spearman"
};
const std::vector<GlueColumn>& glue_columns();

// The mean over the nine tasks; pairs of metrics and the two sides of MNLI are averaged first, AX is left out.
BenchmarkTable glue_table(std::vector<TaskScore> tasks);

// Metrics of a column. Classification: texts of labels on both sides, which must be among `labels`. Regression (labels
// empty): numbers.
TaskScore score_glue_column(const GlueColumn& column, const std::vector<std::string>& gold,
                            const std::vector<std::string>& predictions, const std::vector<std::string>& labels);

// The submission's form: a header "index<TAB>prediction" and one row an example.
void write_glue_predictions(const std::filesystem::path& file, const std::vector<std::string>& predictions);
// In the order of their index. Format when an index is missing, twice or out of range.
std::vector<std::string> read_glue_predictions(const std::filesystem::path& file);

// Prediction files named after their columns against the labelled data in gold_folder/<task> (names also in lower case
// and without hyphens).
BenchmarkTable score_glue(const std::vector<std::filesystem::path>& predictions,
                          const std::filesystem::path& gold_folder, const CancelToken& cancel = {});

}  // namespace espalier
