#pragma once
#include <string>
#include <string_view>

namespace espalier {

// Text for HTML and SVG, in elements and in attributes; control characters that XML forbids are left out.
std::string escaped(std::string_view text);

}  // namespace espalier
