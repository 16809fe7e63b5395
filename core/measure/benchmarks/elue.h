#pragma once
// ELUE (Liu 2021, arXiv 2110.07038): performance against FLOPs on six tasks, compared with the exits of
// ElasticBERT-base.

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.h"

namespace espalier {

struct CostPoint {
  double flops = 0;
  double score = 0;  // percent
};

// A curve read off between its points: piecewise linear over FLOPs, constant beyond both ends. Kind and ends are a
// choice of ours; the benchmark does not say them. InvalidInput without a point or with two of one cost.
double curve_at(std::vector<CostPoint> curve, double flops);

// Mean over the points of what they are above the baseline's curve at their cost.
double elue_score(const std::vector<CostPoint>& points, const std::vector<CostPoint>& baseline);

// The six tasks. A task's figure from its metrics in percent is the mean of accuracy and F1 for MRPC, of Pearson and
// Spearman for STS-B, accuracy for the others.
const std::vector<std::string>& elue_tasks();

// The smallest track that a model of so many parameters may enter, in millions: 40, 55, 70, 110, each inclusive. Empty
// above the largest.
std::optional<int> elue_track(int64_t parameters);

// {"name", "parameters", "tasks": {"SST-2": [{"flops", "score"}, ...]}}; a point may have "metrics": {name: percent}
// in place of "score". The same form serves the submission and the baseline's coordinates.
struct ElueEntry {
  std::string name;
  std::optional<int64_t> parameters;
  std::map<std::string, std::vector<CostPoint>> tasks;
};
ElueEntry read_elue_entry(const std::filesystem::path& file);

struct ElueResult {
  std::map<std::string, double> tasks;  // score of each task of the entry
  std::optional<double> mean;           // over the six tasks; empty while one is missing
  std::vector<std::string> missing;
};
// InvalidInput when the baseline lacks a task of the entry.
ElueResult elue_result(const ElueEntry& entry, const ElueEntry& baseline);

}  // namespace espalier
