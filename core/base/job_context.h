#pragma once
#include <functional>
#include <string>

#include "base/cancel.h"
#include "base/json_fwd.h"
#include "base/progress.h"

namespace espalier {

// What every long function gets: how to report, and how to learn that it should stop.
struct JobContext {
  CancelToken cancel;
  Progress progress;
  // One line for the job's log.
  std::function<void(const std::string&)> log = [](const std::string&) {};
  // One point of a curve, say {"loss", 120, 0.34}. `series` is a short stable name; x is a step or an epoch.
  std::function<void(const std::string& series, double x, double y)> metric = [](const std::string&, double, double) {};
  // A finished piece of result (a row of a table, the end of a step), as plain JSON with a "kind" member.
  std::function<void(const Json&)> result = [](const Json&) {};

  // The same context with a part of the progress bar.
  JobContext slice(double begin, double end) const {
    JobContext nested = *this;
    nested.progress = progress.slice(begin, end);
    return nested;
  }
};

}  // namespace espalier
