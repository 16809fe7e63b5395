#pragma once
#include <memory>

#include "measure/runner.h"
#include "network/placement.h"

namespace espalier {

// A model on libtorch, for models that the engine does not run and for devices that it does not know. In float32 the
// engine's results, without its speed; narrower numbers round. Logits are float32. Throws as require_usable does.
std::unique_ptr<Runner> make_network_runner(const Model& model, const Placement& placement = {});

}  // namespace espalier
