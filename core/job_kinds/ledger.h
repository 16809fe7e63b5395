#pragma once
// What the engine does with each weight of a step's model, from its own plan: what moved, and why what did not.

#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "engine/engine.h"
#include "model/model.h"

namespace espalier {

// Why a line costs what it did. Zeros: a dense kernel multiplies the zeros of a mask. Pattern: the same, and two of
// each four are kept along the input, for which there is no kernel. Shared: stored once, computed here again. Rank: two
// factors multiply at least what the matrix would. Codes: as many multiplications as before, of codes.
enum class Held { Zeros, Pattern, Shared, Rank, Codes };
std::string_view to_string(Held held);

// One line of the plan.
struct LedgerLine {
  PlanEntry now;
  std::optional<PlanEntry> before;  // the line of the model that the step was given under the same slot
  std::string kernel_before;        // of that line, or of the one that held its weights; empty without
  int64_t needed = 0;               // multiplications of one row by what is kept: zeros of masks left out
  int64_t full = 0;                 // by the matrix that the weights stand for
  std::vector<Held> held;

  bool moved() const;
  bool has(Held reason) const;
};

// One line for every line of `plan`, in its order. `plan` must be of `model`.
std::vector<LedgerLine> ledger_of(const std::vector<PlanEntry>& plan, const std::vector<PlanEntry>& plan_before,
                                  const Model& model);

// Of the lines that moved or have a reason: [{"slot", "kernel", "kernel_before", "resident_bytes",
// "resident_bytes_before", "multiplications", "multiplications_before" (of one row), "needed", "why": [names]}];
// figures before are absent where the slot is new.
Json ledger_json(const std::vector<LedgerLine>& ledger);

// Sentences of what held, each with a kernel that it speaks of.
std::vector<std::string> ledger_notes(const std::vector<LedgerLine>& ledger, const Model& model);

// A plan with what it holds for: {"kernels", "cpu_model", "onednn", "lines": [...]}.
Json plan_json(const std::vector<PlanEntry>& plan);
// The same back, or none when it is of another processor, library or shape of JSON.
std::optional<std::vector<PlanEntry>> plan_from_json(const Json& json);

}  // namespace espalier
