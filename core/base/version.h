#pragma once

namespace espalier {

// Written into bundles, runs and reports. kCodeVersion enters the hash of every step: raise it when a change of code
// changes the bytes that some method writes.
inline constexpr const char* kVersion = "0.1.0";
inline constexpr int kCodeVersion = 1;

}  // namespace espalier
