#pragma once
#include <string>

#include "model/model.h"
#include "recipe/recipe.h"

namespace espalier {

// What a baseline is found by: its architecture, tokenizer files and the values of every weight as float32.
std::string baseline_hash(const Model& model, const std::string& data, int64_t max_length);

// What a step's result is found by: everything that it depends on. `step` has its defaults filled in.
std::string step_hash(const std::string& parent, const Step& step, const std::string& data, int64_t max_length,
                      uint64_t seed, const std::string& device);

// The step with the defaults of its method written out, so that saying a default or leaving it out is the same step.
Step with_defaults(const Step& step);

}  // namespace espalier
