#pragma once
// SuperGLUE (Wang 2019, arXiv 1905.00537): eight tasks and two diagnostic sets, all in JSONL.

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "measure/benchmarks/table.h"

namespace espalier {

// The mean over the eight tasks, pairs of metrics averaged first; AX-b and AX-g stand in the table only.
BenchmarkTable superglue_table(std::vector<TaskScore> tasks);

// The submission's form: {"idx": ..., "label": ...} a line.
void write_superglue_predictions(const std::filesystem::path& file,
                                 const std::vector<std::pair<Json, Json>>& idx_and_label);

// One prediction file, named after its task ("BoolQ.jsonl", "MultiRC.jsonl", ...), against a gold file of that task.
//   BoolQ, COPA, RTE, WiC, WSC    accuracy
//   CB                            accuracy and F1, macro over three labels
//   MultiRC                       F1 pooled over all answer options, and exact match of questions; predictions in the
//                                 nested form {"idx", "passage": {"questions": [{"idx", "answers": [{"idx",
//                                 "label"}]}]}}
//   ReCoRD                        F1 and exact match, best over the gold entities; label: the entity's text
//   AX-b                          Matthews
//   AX-g                          accuracy and gender parity: share of pairs with one and the same answer
TaskScore score_superglue_task(const std::filesystem::path& predictions, const std::filesystem::path& gold);

// Every prediction file against gold_folder/<task>/val.jsonl (the diagnostics: <task>.jsonl).
BenchmarkTable score_superglue(const std::vector<std::filesystem::path>& predictions,
                               const std::filesystem::path& gold_folder, const CancelToken& cancel = {});

}  // namespace espalier
