#pragma once
#include <string>
#include <vector>

#include "base/json.h"
#include "recipe/recipe.h"

namespace espalier::cli {

// A recipe and the rows that came of it, baseline first.
struct FinishedRun {
  Recipe recipe;
  std::vector<Json> rows;
};

// Rows of a comparison, each with a "name": every step of a single run; of several, each baseline once and the end of
// every run.
std::vector<Json> comparison_rows(const std::vector<FinishedRun>& runs);

// Writes the page and the figure; an empty name leaves that file out.
void write_report_files(const std::string& title, const std::vector<FinishedRun>& runs, const std::string& html,
                        const std::string& svg);

}  // namespace espalier::cli
