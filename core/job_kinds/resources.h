#pragma once
#include <filesystem>

namespace espalier {

// The folder of what is shipped beside the programs ("lab/", "icons/"): $ESPALIER_RESOURCES, else resources/ of the
// source tree when this program lies in a build tree (bin/ or tests/), else share/espalier beside bin/. Io when none is
// there, naming the places looked at.
std::filesystem::path resource_folder();

}  // namespace espalier
