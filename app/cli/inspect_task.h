#pragma once
#include "app/cli/program.h"
#include "data/task.h"

namespace espalier::cli {

struct InspectTaskOptions {
  std::string task;  // path, or lab
  TaskOptions options;
  size_t rows = 5;
  bool save = false;  // write the options into the folder's card
};

// Prints what a task is: kind, columns, splits with counts, labels, rows that were skipped, first examples.
void inspect_task(Program& program, const InspectTaskOptions& wanted);

}  // namespace espalier::cli
