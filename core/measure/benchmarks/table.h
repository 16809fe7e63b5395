#pragma once
// A benchmark's table: what each task scored, and the one figure that its rules make of them.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json_fwd.h"

namespace espalier {

// Metrics of one task in percent (correlations times 100), in the order of the benchmark's definition.
struct TaskScore {
  std::string task;
  std::vector<std::pair<std::string, double>> metrics;
  int64_t examples = 0;

  double mean() const;
};

struct BenchmarkTable {
  std::vector<TaskScore> tasks;
  std::optional<double> score;       // empty while a task is missing
  std::vector<std::string> missing;  // tasks that the score needs and that are not there
};

// The mean over groups of the mean over a group's tasks. A task that is in no group (a diagnostic) stands in the table
// only. InvalidInput when a task is given twice.
BenchmarkTable benchmark_table(std::vector<TaskScore> tasks, const std::vector<std::vector<std::string>>& groups);

Json to_json(const BenchmarkTable& table);

}  // namespace espalier
