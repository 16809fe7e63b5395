#pragma once
// The answers of jobs that look inside a model (job_kinds.h) as figures. `model` names the model for a reader.

#include <string>

#include "base/json_fwd.h"

namespace espalier {

// Of head_importance, unit_importance and importance: the curves where there are some, the agreement of several
// criteria, else the scores.
std::string importance_svg(const Json& answer, const std::string& model);

// Of attention and attention_average: one measure of every head of a stack ("encoder", "decoder", "cross").
std::string attention_measure_svg(const Json& answer, const std::string& model, const std::string& stack,
                                  const std::string& measure);
// Of attention with a matrix; `head` is what the title calls it.
std::string attention_matrix_svg(const Json& answer, const std::string& model, const std::string& stack,
                                 const std::string& head);

// Of saliency: a bar for every token.
std::string saliency_svg(const Json& answer, const std::string& model);

// Of weights with a name: histogram and energy of the spectrum, of the second model too where there is one.
std::string weight_svg(const Json& answer, const std::string& model, const std::string& other);

// Of activations: similarity of layers, of both models where there are two.
std::string activations_svg(const Json& answer, const std::string& model, const std::string& baseline);

}  // namespace espalier
