#pragma once
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "model/architecture.h"

namespace espalier {

// Activations by their place in the enum.
inline constexpr std::array<std::string_view, 6> kActivations = {"gelu", "gelu_tanh", "relu",
                                                                 "silu", "tanh",      "identity"};

// The layers of a stack as a list, and back. Throws Format and Unsupported naming the layer and member.
Json layers_to_json(const std::vector<LayerSpec>& layers);
std::vector<LayerSpec> layers_from_json(const Json& list, const std::string& where);

}  // namespace espalier
