#pragma once
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "job_kinds/ledger.h"
#include "model/model.h"

namespace espalier {

// Sentences that say why a number of `row` did not move against the row of the model it was made from, judged by what
// the engine does with each weight of `model`, not by the method.
std::vector<std::string> notes_on(const Json& row, const Json& row_before, const Model& model,
                                  const std::vector<LedgerLine>& ledger);

}  // namespace espalier
