#include "measure/benchmarks/table.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"

namespace espalier {

double TaskScore::mean() const {
  double sum = 0;
  for (const auto& [name, value] : metrics) sum += value;
  return metrics.empty() ? 0 : sum / static_cast<double>(metrics.size());
}

BenchmarkTable benchmark_table(std::vector<TaskScore> tasks, const std::vector<std::vector<std::string>>& groups) {
  BenchmarkTable table;
  table.tasks = std::move(tasks);
  for (size_t i = 0; i < table.tasks.size(); ++i) {
    const std::string& name = table.tasks[i].task;
    const auto same = [&](const TaskScore& other) { return other.task == name; };
    if (std::ranges::count_if(table.tasks, same) > 1) {
      throw Error(ErrorKind::InvalidInput,
                  {.what = "a task is given twice", .where = name, .got = {}, .wanted = "one file a task", .next = {}});
    }
  }
  double total = 0;
  for (const auto& group : groups) {
    double sum = 0;
    for (const std::string& name : group) {
      const auto found = std::ranges::find(table.tasks, name, &TaskScore::task);
      if (found == table.tasks.end()) {
        table.missing.push_back(name);
      } else {
        sum += found->mean();
      }
    }
    total += sum / static_cast<double>(group.size());
  }
  if (table.missing.empty()) table.score = total / static_cast<double>(groups.size());
  return table;
}

Json to_json(const BenchmarkTable& table) {
  Json tasks = Json::array();
  for (const TaskScore& task : table.tasks) {
    Json metrics = Json::object();
    for (const auto& [name, value] : task.metrics) metrics[name] = value;
    tasks.push_back({{"task", task.task}, {"metrics", metrics}, {"score", task.mean()}, {"examples", task.examples}});
  }
  Json json = {{"tasks", tasks}, {"missing", table.missing}};
  json["score"] = table.score ? Json(*table.score) : Json(nullptr);
  return json;
}

}  // namespace espalier
