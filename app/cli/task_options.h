#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/cli/program.h"
#include "data/task.h"

namespace espalier::cli {

// Adds the flags that say how the files of a task are read (--text-column, ..., --kind) and gives what they will hold.
std::shared_ptr<TaskOptions> add_task_options(CLI::App* verb);

// Flags for the lengths of sequences: --max-length, --stride, --max-query, --block-length, --max-source-length,
// --max-target-length. What was given becomes members of a job's settings; the rest is left to the job.
class LengthOptions {
 public:
  explicit LengthOptions(CLI::App* verb);
  void add_to(Json& settings) const;

 private:
  // Each with the member of the settings that it stands for.
  std::vector<std::pair<std::string, std::shared_ptr<std::optional<int64_t>>>> values_;
};

}  // namespace espalier::cli
