#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

namespace espalier {

// Which of `unique` sets of weights each of `layers` layers uses, both at least 1, unique <= layers. Takase and Kiyono
// 2021, algorithm 1; names are "sequence" (112233), "cycle" (123123), "cycle_rev" (123321), numbers from 0.
std::vector<int64_t> layer_assignment(std::string_view pattern, int64_t layers, int64_t unique);

}  // namespace espalier
