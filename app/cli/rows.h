#pragma once
#include <string>
#include <vector>

#include "base/json.h"

namespace espalier::cli {

// Prints rows of measures (job_kinds.h, Row) as one table: what was done, accuracy with interval, bytes, MACs, latency,
// loyalty. `front` holds the indices of rows that no other row beats in both accuracy and bytes; they get a star.
void print_rows(const std::vector<Json>& rows, const std::vector<size_t>& front);

// One row on one line, as it comes.
void print_row_line(const Json& row);

}  // namespace espalier::cli
