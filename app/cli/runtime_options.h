#pragma once
#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "base/json_fwd.h"

namespace espalier::cli {

// --runtime, --device and --precision of a verb that runs a model. Must be alive when the verb runs.
class RuntimeOptions {
 public:
  explicit RuntimeOptions(CLI::App* verb);
  // What was given, for the settings of a job.
  void add_to(Json& settings) const;

 private:
  std::optional<std::string> runtime_, device_, precision_;
};

}  // namespace espalier::cli
