#pragma once
// What `espalier bench --layers` says of one row of its table.

#include "base/json_fwd.h"
#include "measure/profile.h"

namespace espalier::cli {

// {"wall_ms", "rest_ms", "passes", "limits": {...}, "kinds": [...], "layers": [...], "parts": [...]}; shares are of
// wall_ms and of the limit, 0..1.
Json profile_json(const ModelProfile& profile, const MachineLimits& limits);

// Two tables: by kind of part, and by layer.
void print_profile(const ModelProfile& profile, const MachineLimits& limits);

}  // namespace espalier::cli
