#pragma once
// What `heads` and `neurons` share: the flags about criteria and curves, and the tables of their answer.

#include <memory>
#include <string>
#include <vector>

#include "app/cli/program.h"

namespace espalier::cli {

struct CriteriaOptions {
  std::string model, task = "lab", split = "train";
  int64_t max_examples = 1000;
  std::vector<std::string> criteria;
  bool curve = false;
  std::string curve_split, svg;
  int64_t curve_step = 0;
  double tolerance = 1;  // points
  uint64_t seed = 1;
};

// Adds model, task, split and the flags of the criteria to a verb.
std::shared_ptr<CriteriaOptions> add_criteria_options(CLI::App* verb, const std::string& criteria_help);

// An importance job (job_kinds.h) of "heads", "units" or "layers".
JobSpec importance_spec(const CriteriaOptions& options, const std::string& of);

// Scores layer by layer, agreement, curve: what the answer of an importance job holds.
void print_importance(const Json& answer);

// layer x head with the heads' numbers of the model as first opened.
void print_head_table(const Json& scores, const Json& kept);

}  // namespace espalier::cli
