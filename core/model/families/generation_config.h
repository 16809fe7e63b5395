#pragma once
#include <string>

#include "model/architecture.h"

namespace espalier {

// How a folder says that text is to be generated: the members of generation_config.json, and of config.json where the
// first lacks them. `where` stands for the file in messages.
GenerationSpec read_generation(const Json& config, const Json& generation_config, const std::string& where);

}  // namespace espalier
