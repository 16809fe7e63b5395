// One recurrent layer. Letters: B sequences, S steps, H the state's width, G gates, stacked i, f, g, o (LSTM) and r, z,
// n (GRU).

#include "network/recurrent.h"

#include <ATen/ATen.h>

#include "network/fused_recurrence.h"

namespace espalier {
namespace {

at::Tensor bias_of(const LinearModule& module) {
  return module.bias != nullptr ? (*module.bias)->effective() : at::Tensor();
}

at::Tensor chosen(const at::Tensor& mask, const at::Tensor& now, const at::Tensor& before) {
  return mask.defined() ? at::where(mask, now, before) : now;
}

}  // namespace

StepLinear::StepLinear(const LinearModule& module) : module_(module) {
  if (!(*module.weight)->multiplies_effective()) return;
  weight_ = (*module.weight)->effective();
  bias_ = bias_of(module);
}

at::Tensor StepLinear::operator()(const at::Tensor& x) const {
  return weight_.defined() ? at::linear(x, weight_, bias_) : module_(x, {});
}

CellStates RecurrentModule::zeros(const at::Tensor& like) const {
  const at::Tensor zero = at::zeros({like.size(0), spec.width}, like.options());
  return CellStates(static_cast<size_t>(spec.num_states()), zero);
}

CellStates RecurrentModule::step(const at::Tensor& gates, const CellStates& before, const StepLinear& hidden,
                                 const at::Tensor& mask) const {
  const at::Tensor own = hidden(before[0]);
  if (spec.cell == Cell::Lstm) {
    const std::vector<at::Tensor> parts = (gates + own).chunk(4, 1);
    const at::Tensor cell = at::sigmoid(parts[1]) * before[1] + at::sigmoid(parts[0]) * at::tanh(parts[2]);
    const at::Tensor now = at::sigmoid(parts[3]) * at::tanh(cell);
    return {chosen(mask, now, before[0]), chosen(mask, cell, before[1])};
  }
  const std::vector<at::Tensor> given = gates.chunk(3, 1), made = own.chunk(3, 1);
  const at::Tensor reset = at::sigmoid(given[0] + made[0]);
  const at::Tensor update = at::sigmoid(given[1] + made[1]);
  const at::Tensor candidate = at::tanh(given[2] + reset * made[2]);
  return {chosen(mask, candidate + update * (before[0] - candidate), before[0])};
}

RecurrentModule::Result RecurrentModule::run(const RecurrentDirection& direction, bool reverse, const at::Tensor& rows,
                                             const CellStates& start, const ForwardState& state) const {
  const bool lstm = spec.cell == Cell::Lstm;
  at::Tensor gates = direction.input(rows, state.token_mask);
  const CellStates first = start.empty() ? zeros(rows) : start;
  const StepLinear hidden(direction.hidden);
  const bool wide = rows.scalar_type() == at::kFloat || rows.scalar_type() == at::kDouble;
  if (state.fused && hidden.has_weight() && rows.device().is_cpu() && wide) {
    Recurrence recurrence;
    recurrence.cell = spec.cell;
    recurrence.reverse = reverse;
    // The reset gate of a GRU stands before a part of the bias; an LSTM's bias is added to all steps at once.
    if (lstm && hidden.bias().defined()) gates = gates + hidden.bias();
    recurrence.gates = gates;
    recurrence.weight = hidden.weight();
    if (!lstm) recurrence.bias = hidden.bias();
    recurrence.hidden = first[0];
    if (lstm) recurrence.cell_state = first[1];
    recurrence.mask = state.token_mask;
    recurrence.cancel = state.cancel;
    const RecurrenceStates made = fused_recurrence(recurrence);
    return {made.rows, lstm ? CellStates{made.hidden, made.cell_state} : CellStates{made.hidden}};
  }
  const int64_t steps = rows.size(1);
  const at::Tensor mask = state.token_mask.defined() ? state.token_mask.ne(0) : at::Tensor();
  std::vector<at::Tensor> made(static_cast<size_t>(steps));
  CellStates now = first;
  for (int64_t taken = 0; taken < steps; ++taken) {
    if (state.cancel != nullptr) state.cancel->throw_if_cancelled();
    const int64_t at = reverse ? steps - 1 - taken : taken;
    now = step(gates.select(1, at), now, hidden, mask.defined() ? mask.narrow(1, at, 1) : at::Tensor());
    made[static_cast<size_t>(at)] = now[0];
  }
  return {at::stack(made, 1), now};
}

RecurrentModule::Result RecurrentModule::operator()(const at::Tensor& rows, const CellStates& start,
                                                    const ForwardState& state) const {
  Result forward = run(directions[0], false, rows, start, state);
  if (directions.size() == 1) return forward;
  const Result backward = run(directions[1], true, rows, {}, state);
  forward.rows = at::cat({forward.rows, backward.rows}, 2);
  for (size_t i = 0; i < forward.last.size(); ++i) forward.last[i] = at::cat({forward.last[i], backward.last[i]}, 1);
  return forward;
}

}  // namespace espalier
