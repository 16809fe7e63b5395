#pragma once
#include <filesystem>
#include <string>

#include "base/cancel.h"

namespace espalier::cli {

// The npm client on the search path; empty when there is none.
std::filesystem::path find_npm();

// Lets npm fetch a package of that version into `folder` and gives the archive. No script of the package is run.
// Unsupported when npm is not installed, Io with its last words when it fails.
std::filesystem::path npm_pack(const std::string& package, const std::string& version,
                               const std::filesystem::path& folder, const CancelToken& cancel);

}  // namespace espalier::cli
