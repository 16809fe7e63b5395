#pragma once
// A typed sentence or pair as a job's input, and what a model says of it.

#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "model/model.h"

namespace espalier {

// "text" and "pair" of the settings, cut to the model's positions.
Encoding encode_sentence(const Json& settings, const Model& model, const Tokenizer& tokenizer);

// [[begin, end], ...] in code points; null for special tokens.
Json offsets_json(const Encoding& encoding);

// The head's label names; numbers where it names none.
std::vector<std::string> label_names(const Model& model);

}  // namespace espalier
