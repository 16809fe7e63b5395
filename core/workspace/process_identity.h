#pragma once
#include <string>

namespace espalier {

// This process among all that ever had its number: "4711 830112" (number, start time).
std::string process_identity();
// Whether the process with that identity still runs.
bool is_running(const std::string& identity);

}  // namespace espalier
