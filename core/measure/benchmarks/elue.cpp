#include "measure/benchmarks/elue.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/json.h"

namespace espalier {
namespace {

constexpr int kTracksInMillions[] = {40, 55, 70, 110};

[[noreturn]] void refuse(const std::string& what, const std::string& where, const std::string& got,
                         const std::string& wanted) {
  throw Error(ErrorKind::InvalidInput, {.what = what, .where = where, .got = got, .wanted = wanted, .next = {}});
}

// The names of the metrics that make a task's figure.
std::vector<std::string> metrics_of(const std::string& task) {
  if (task == "MRPC") return {"accuracy", "f1"};
  if (task == "STS-B") return {"pearson", "spearman"};
  return {"accuracy"};
}

CostPoint point_from(const Json& json, const std::string& task, const std::string& where) {
  CostPoint point;
  point.flops = json_get<double>(json, "flops", where);
  if (!(point.flops > 0) || !std::isfinite(point.flops)) {
    refuse("a point has no cost", where, std::to_string(point.flops), "FLOPs above 0");
  }
  if (json.contains("score")) {
    point.score = json_get<double>(json, "score", where);
    return point;
  }
  const Json metrics = json_get<Json>(json, "metrics", where);
  const std::vector<std::string> names = metrics_of(task);
  for (const std::string& name : names) {
    point.score += json_get<double>(metrics, name, where) / static_cast<double>(names.size());
  }
  return point;
}

}  // namespace

const std::vector<std::string>& elue_tasks() {
  static const std::vector<std::string> tasks = {"SST-2", "IMDb", "SNLI", "SciTail", "MRPC", "STS-B"};
  return tasks;
}

double curve_at(std::vector<CostPoint> curve, double flops) {
  if (curve.empty()) refuse("a curve needs points", {}, {}, "at least one");
  std::ranges::sort(curve, {}, &CostPoint::flops);
  const auto twice = std::ranges::adjacent_find(curve, {}, &CostPoint::flops);
  if (twice != curve.end()) {
    refuse("a curve has two points of one cost", {}, std::to_string(twice->flops), "one score a cost");
  }
  const auto above = std::ranges::lower_bound(curve, flops, {}, &CostPoint::flops);
  if (above == curve.begin()) return curve.front().score;
  if (above == curve.end()) return curve.back().score;
  const CostPoint &left = *(above - 1), &right = *above;
  return std::lerp(left.score, right.score, (flops - left.flops) / (right.flops - left.flops));
}

double elue_score(const std::vector<CostPoint>& points, const std::vector<CostPoint>& baseline) {
  if (points.empty()) refuse("an ELUE score needs points", {}, {}, "at least one");
  double sum = 0;
  for (const CostPoint& point : points) sum += point.score - curve_at(baseline, point.flops);
  return sum / static_cast<double>(points.size());
}

std::optional<int> elue_track(int64_t parameters) {
  for (const int track : kTracksInMillions) {
    if (parameters <= int64_t{track} * 1'000'000) return track;
  }
  return std::nullopt;
}

ElueEntry read_elue_entry(const std::filesystem::path& file) {
  const std::string where = file.string();
  const Json json = read_json_file(file);
  ElueEntry entry;
  entry.name = json_get_or(json, "name", file.stem().string(), where);
  if (json.contains("parameters")) entry.parameters = json_get<int64_t>(json, "parameters", where);
  const Json tasks = json_get<Json>(json, "tasks", where);
  if (!tasks.is_object()) refuse("\"tasks\" is no object", where, tasks.type_name(), "points by task");
  for (const auto& [task, value] : tasks.items()) {
    if (std::ranges::find(elue_tasks(), task) == elue_tasks().end()) {
      refuse("unknown ELUE task", where, "\"" + task + "\"", "SST-2, IMDb, SNLI, SciTail, MRPC or STS-B");
    }
    for (const Json& point : json_get<std::vector<Json>>(tasks, task, where)) {
      entry.tasks[task].push_back(point_from(point, task, where + ", " + task));
    }
    if (entry.tasks[task].empty()) refuse("a task has no points", where + ", " + task, {}, "at least one");
  }
  return entry;
}

ElueResult elue_result(const ElueEntry& entry, const ElueEntry& baseline) {
  ElueResult result;
  double sum = 0;
  for (const auto& [task, points] : entry.tasks) {
    const auto curve = baseline.tasks.find(task);
    if (curve == baseline.tasks.end()) refuse("the baseline has no points of a task", baseline.name, task, {});
    result.tasks[task] = elue_score(points, curve->second);
    sum += result.tasks[task];
  }
  for (const std::string& task : elue_tasks()) {
    if (!entry.tasks.contains(task)) result.missing.push_back(task);
  }
  if (result.missing.empty()) result.mean = sum / static_cast<double>(elue_tasks().size());
  return result;
}

}  // namespace espalier
