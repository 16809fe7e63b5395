#pragma once
#include <string>

#include "model/model.h"

namespace espalier {

// Markdown for people: what the model is, where it came from, what was done to it. Same model: same text.
std::string make_model_card(const Model& model);

}  // namespace espalier
