#include "app/cli/report_files.h"

#include <algorithm>

#include "formats/atomic_file.h"
#include "job_kinds/report.h"

namespace espalier::cli {

std::vector<Json> comparison_rows(const std::vector<FinishedRun>& runs) {
  std::vector<Json> rows;
  const auto add = [&rows](Json row, const std::string& name) {
    row["name"] = name;
    rows.push_back(std::move(row));
  };
  for (const FinishedRun& run : runs) {
    if (run.rows.empty()) continue;
    if (runs.size() == 1) {
      for (const Json& row : run.rows) add(row, label_of_row(row));
      continue;
    }
    const std::string baseline = run.rows.front().value("hash", "");
    const bool known =
        std::any_of(rows.begin(), rows.end(), [&](const Json& row) { return row.value("hash", "") == baseline; });
    if (!known) add(run.rows.front(), "baseline");
    if (run.rows.size() > 1) add(run.rows.back(), run.recipe.name);
  }
  return rows;
}

void write_report_files(const std::string& title, const std::vector<FinishedRun>& runs, const std::string& html,
                        const std::string& svg) {
  const std::vector<Json> rows = comparison_rows(runs);
  std::vector<Recipe> recipes;
  for (const FinishedRun& run : runs) recipes.push_back(run.recipe);
  if (!html.empty()) write_file_atomically(html, report_html(title, recipes, rows));
  if (!svg.empty()) write_file_atomically(svg, tradeoff_svg(rows, {.title = title}));
}

}  // namespace espalier::cli
