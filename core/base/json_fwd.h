#pragma once
// The name of a JSON value, for headers that only pass one on: base/json.h costs every file that reads it a second.

#include <nlohmann/json_fwd.hpp>

namespace espalier {

using Json = nlohmann::json;

}  // namespace espalier
