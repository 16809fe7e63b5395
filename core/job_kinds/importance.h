#pragma once
#include "base/json_fwd.h"
#include "introspect/introspect.h"

namespace espalier {

// The member "average" of a job's settings, "example" or "token"; InvalidInput for another.
ImportanceAverage importance_average(const Json& settings);

}  // namespace espalier
