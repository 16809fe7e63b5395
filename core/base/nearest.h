#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

// Levenshtein distance in bytes; stops early and gives limit + 1 when it is above `limit`.
size_t edit_distance(std::string_view a, std::string_view b, size_t limit);

// The candidate closest to `name`; empty when none is closer than half of its length. For "did you mean".
std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace espalier
