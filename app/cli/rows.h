#pragma once
#include <string>
#include <vector>

#include "base/json_fwd.h"

namespace espalier::cli {

// A figure of a row's quality, or of its comparison with a baseline.
struct QualityLine {
  std::string label;
  double value = 0;
  bool has_interval = false;
  double low = 0, high = 0;  // 95 %
};
// Those that the row holds, in the order in which a person reads them.
std::vector<QualityLine> quality_lines(const Json& row);

// Prints rows of measures (job_kinds.h, Row) as one table: what was done, its main quality with interval, bytes, MACs,
// latency, loyalty. `front` holds the indices of rows that no other row beats in both accuracy and bytes; they get a
// star.
void print_rows(const std::vector<Json>& rows, const std::vector<size_t>& front);

// One row on one line, as it comes.
void print_row_line(const Json& row);

}  // namespace espalier::cli
