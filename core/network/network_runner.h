#pragma once
#include <memory>

#include "measure/runner.h"

namespace espalier {

// A model on libtorch, for those that the engine does not run: the same results, without the engine's speed.
std::unique_ptr<Runner> make_network_runner(const Model& model);

}  // namespace espalier
