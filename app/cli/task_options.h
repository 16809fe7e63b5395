#pragma once
#include "app/cli/program.h"
#include "data/task.h"

namespace espalier::cli {

// Adds the flags that say how the files of a task are read (--text-column, ..., --kind) and gives what they will hold.
std::shared_ptr<TaskOptions> add_task_options(CLI::App* verb);

}  // namespace espalier::cli
