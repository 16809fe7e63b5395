#pragma once
#include <string>
#include <vector>

#include "base/json_fwd.h"

namespace espalier {

// Rows that no other row beats: none has at least their quality at less cost, or more quality at no more cost. Rows
// without either member are left out. In order of rising cost.
std::vector<size_t> pareto_front(const std::vector<Json>& rows, const std::string& quality,
                                 const std::string& cost = "bundle_bytes");

// By the member that the rows say they are judged by ("metric"; accuracy when they say nothing).
std::vector<size_t> pareto_front(const std::vector<Json>& rows);

}  // namespace espalier
