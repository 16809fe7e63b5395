#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

// The runs between Unicode white space; malformed bytes become U+FFFD.
std::vector<std::string> split_at_blanks(std::string_view text);

}  // namespace espalier
