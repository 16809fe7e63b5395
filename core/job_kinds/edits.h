#pragma once
// Edits of a model as plain data, for questions of the kind "what if this were gone".

#include <map>
#include <string>
#include <vector>

#include "compress/factorize/svd/svd.h"
#include "model/model.h"

namespace espalier {

// Spectra of the baseline's matrices, by slot, so that a second rank of one costs no second decomposition.
using SpectrumCache = std::map<std::string, SingularValues>;

// The model after the parts of an edit, one after the other, each one of
//   {"heads": [[layer, head], ...]}                          removed; heads by their first number (HeadIndex)
//   {"neurons": {"layer", "first", "last"}}                  feed-forward units at these positions removed
//   {"units": [[layer, position], ...]}                      the same for single ones of any layer
//   {"layer": index}                                         removed
//   {"rank": r, "weight": name}                              the best approximation of this rank, as two factors
//   {"bits": 2 to 8, "weight": name}                         symmetric codes, a scale a row; inputs stay float
// Places are those of the model that the part finds. A weight is named by its slot ("encoder.2.ffn.in_proj.weight"),
// without its ending ("encoder.2.ffn.in_proj") or shorter still ("encoder.2.ffn.in"). InvalidInput for what is not
// there, out of range or not one of these.
Model apply_edit(const Model& model, const Json& parts, SpectrumCache& spectra);

// "heads 3.4, 3.7 removed; encoder.2.ffn.in_proj at 4 bits": for people.
std::string edit_text(const Json& parts);

// One edit for every head, or every layer, of the model alone; `of` is "heads" or "layers".
std::vector<Json> single_edits(const Architecture& architecture, const std::string& of);

}  // namespace espalier
