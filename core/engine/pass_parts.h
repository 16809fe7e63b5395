#pragma once
#include <string>

#include "engine/pass_profile.h"

namespace espalier {

// The part that a module of the plan, a norm ("encoder.0.ffn.norm") or attention itself ("encoder.0.attention.scores")
// is, by its name: kind, stack and layer.
PassPart part_of(const std::string& name);

}  // namespace espalier
