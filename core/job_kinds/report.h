#pragma once
// Pages that leave the program: the trade-off as SVG, and a comparison as one HTML file that needs nothing else.

#include <string>
#include <utility>
#include <vector>

#include "base/json_fwd.h"
#include "recipe/recipe.h"

namespace espalier {

// Rows are those of job_kinds.h. A member "name" labels a row; without one it is "baseline" or "+ <method>".
std::string label_of_row(const Json& row);

// "baseline", the family of the methods that led to the row, or "combined" for more than one.
std::string family_of_row(const Json& row);

struct TradeoffOptions {
  std::string title;  // over the charts; may be empty
  int width = 980;    // of the whole picture, CSS pixels
  int height = 460;
};

// Accuracy (Pearson for regression) against bundle size and against latency, side by side: 95 % intervals, the front as
// a line, the baseline's quality as a thin line. Colours after Okabe and Ito, shapes by family; labels cover neither
// each other nor a mark. Rows without a quality are left out.
std::string tradeoff_svg(const std::vector<Json>& rows, const TradeoffOptions& options = {});

// What the figures of the rows were measured under: names and values.
std::vector<std::pair<std::string, std::string>> report_conditions(const std::vector<Json>& rows);

// One page: charts, table, notes, conditions, recipes with the command that repeats each. `conditions` empty: those of
// the rows.
std::string report_html(const std::string& title, const std::vector<Recipe>& recipes, const std::vector<Json>& rows,
                        const std::vector<std::pair<std::string, std::string>>& conditions = {});

}  // namespace espalier
