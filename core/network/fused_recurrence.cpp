// LSTM (Hochreiter 1997; Gers 2000) and GRU (Cho 2014) over whole sequences, and their gradients. Gates are stacked as
// libtorch does it: i, f, g, o and r, z, n. Letters: B sequences, S steps, H the state's width.

#include "network/fused_recurrence.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/autograd.h>

#include "base/error.h"

namespace espalier {
namespace {

constexpr int64_t kGrain = 1 << 12;  // elements a thread takes at least

// The steps in the order in which they are taken.
struct Steps {
  int64_t count = 0;
  bool reverse = false;

  int64_t at(int64_t taken) const { return reverse ? count - 1 - taken : taken; }
  int64_t last() const { return at(count - 1); }
};

// Rows of one step of a contiguous (B, S, n).
template <typename T>
struct StepRows {
  T* data = nullptr;
  int64_t stride = 0;

  T* row(int64_t b) const { return data + b * stride; }
};

template <typename T>
StepRows<T> rows_at(const at::Tensor& tensor, int64_t step) {
  return {tensor.data_ptr<T>() + step * tensor.size(2), tensor.size(1) * tensor.size(2)};
}
// Rows of a contiguous (B, n).
template <typename T>
StepRows<T> rows_of(const at::Tensor& tensor) {
  return {tensor.data_ptr<T>(), tensor.size(1)};
}

bool is_kept(const at::Tensor& mask, int64_t b, int64_t step) {
  return mask.numel() > 0 && mask.data_ptr<int64_t>()[b * mask.size(1) + step] == 0;
}

template <typename F>
void for_rows(int64_t batch, int64_t width, const F& body) {
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, width));
  at::parallel_for(0, batch, grain, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) body(b);
  });
}

// --- LSTM -----------------------------------------------------------------------------------------------------------

struct LstmSaved {
  at::Tensor gates;   // (B, S, 4 H) behind their activations
  at::Tensor cells;   // (B, S, H)
  at::Tensor tanhs;   // (B, S, H) of the cells
  at::Tensor hidden;  // (B, S, H)
};

template <typename T>
void lstm_cells(const LstmSaved& saved, const StepRows<T>& before, const at::Tensor& mask, int64_t step) {
  const int64_t width = saved.cells.size(2);
  const StepRows<T> gates = rows_at<T>(saved.gates, step), cells = rows_at<T>(saved.cells, step);
  for_rows(saved.cells.size(0), width, [&](int64_t b) {
    const T *in = gates.row(b), *forget = in + width, *candidate = in + 2 * width, *old = before.row(b);
    T* cell = cells.row(b);
    if (is_kept(mask, b, step)) {
      std::copy_n(old, width, cell);
      return;
    }
    for (int64_t j = 0; j < width; ++j) cell[j] = forget[j] * old[j] + in[j] * candidate[j];
  });
}

template <typename T>
void lstm_hidden(const LstmSaved& saved, const StepRows<T>& before, const at::Tensor& mask, int64_t step) {
  const int64_t width = saved.cells.size(2);
  const StepRows<T> gates = rows_at<T>(saved.gates, step), tanhs = rows_at<T>(saved.tanhs, step);
  const StepRows<T> rows = rows_at<T>(saved.hidden, step);
  for_rows(saved.cells.size(0), width, [&](int64_t b) {
    const T *out = gates.row(b) + 3 * width, *value = tanhs.row(b);
    T* hidden = rows.row(b);
    if (is_kept(mask, b, step)) {
      std::copy_n(before.row(b), width, hidden);
      return;
    }
    for (int64_t j = 0; j < width; ++j) hidden[j] = out[j] * value[j];
  });
}

// Gradients of one step. `carried`: of the hidden state, gets what passes it by; `cell_gradient`: of the cell, becomes
// that of the cell before.
template <typename T>
void lstm_backward_step(const LstmSaved& saved, const StepRows<T>& cell_before, const at::Tensor& mask, int64_t step,
                        const at::Tensor& row_gradients, const at::Tensor& carried, const at::Tensor& cell_gradient,
                        const at::Tensor& gate_gradients) {
  const int64_t width = saved.cells.size(2);
  const StepRows<T> gates = rows_at<T>(saved.gates, step), tanhs = rows_at<T>(saved.tanhs, step);
  const StepRows<T> incoming = rows_at<T>(row_gradients, step), outgoing = rows_at<T>(gate_gradients, step);
  const StepRows<T> hidden = rows_of<T>(carried), cells = rows_of<T>(cell_gradient);
  for_rows(saved.cells.size(0), width, [&](int64_t b) {
    const T *in = gates.row(b), *forget = in + width, *candidate = in + 2 * width, *out = in + 3 * width;
    const T *value = tanhs.row(b), *old = cell_before.row(b), *from_rows = incoming.row(b);
    T *dh = hidden.row(b), *dc = cells.row(b), *dgates = outgoing.row(b);
    if (is_kept(mask, b, step)) {
      for (int64_t j = 0; j < width; ++j) dh[j] += from_rows[j];
      std::fill_n(dgates, 4 * width, T(0));
      return;
    }
    for (int64_t j = 0; j < width; ++j) {
      const T h = dh[j] + from_rows[j];
      const T c = dc[j] + h * out[j] * (1 - value[j] * value[j]);
      dgates[j] = c * candidate[j] * in[j] * (1 - in[j]);
      dgates[width + j] = c * old[j] * forget[j] * (1 - forget[j]);
      dgates[2 * width + j] = c * in[j] * (1 - candidate[j] * candidate[j]);
      dgates[3 * width + j] = h * value[j] * out[j] * (1 - out[j]);
      dc[j] = c * forget[j];
      dh[j] = 0;
    }
  });
}

// --- GRU ------------------------------------------------------------------------------------------------------------

struct GruSaved {
  at::Tensor gates;    // (B, S, 3 H) behind their activations
  at::Tensor product;  // (B, S, H) the hidden part of n, before the reset gate
  at::Tensor hidden;   // (B, S, H)
};

// The argument of n's tanh; `own`: (B, 3 H) the hidden part of the gates.
template <typename T>
void gru_candidates(const GruSaved& saved, const at::Tensor& given, const at::Tensor& own, int64_t step) {
  const int64_t width = saved.hidden.size(2);
  const StepRows<T> gates = rows_at<T>(saved.gates, step), inputs = rows_at<T>(given, step);
  const StepRows<T> products = rows_at<T>(saved.product, step), parts = rows_of<T>(own);
  for_rows(saved.hidden.size(0), width, [&](int64_t b) {
    T *reset = gates.row(b), *candidate = reset + 2 * width, *product = products.row(b);
    const T *part = parts.row(b) + 2 * width, *input = inputs.row(b) + 2 * width;
    for (int64_t j = 0; j < width; ++j) {
      product[j] = part[j];
      candidate[j] = input[j] + reset[j] * part[j];
    }
  });
}

template <typename T>
void gru_hidden(const GruSaved& saved, const StepRows<T>& before, const at::Tensor& mask, int64_t step) {
  const int64_t width = saved.hidden.size(2);
  const StepRows<T> gates = rows_at<T>(saved.gates, step), rows = rows_at<T>(saved.hidden, step);
  for_rows(saved.hidden.size(0), width, [&](int64_t b) {
    const T *update = gates.row(b) + width, *candidate = update + width, *old = before.row(b);
    T* hidden = rows.row(b);
    if (is_kept(mask, b, step)) {
      std::copy_n(old, width, hidden);
      return;
    }
    for (int64_t j = 0; j < width; ++j) hidden[j] = candidate[j] + update[j] * (old[j] - candidate[j]);
  });
}

// As lstm_backward_step; `own_gradients`: of the hidden part of the gates, which the reset gate scales.
template <typename T>
void gru_backward_step(const GruSaved& saved, const StepRows<T>& before, const at::Tensor& mask, int64_t step,
                       const at::Tensor& row_gradients, const at::Tensor& carried, const at::Tensor& gate_gradients,
                       const at::Tensor& own_gradients) {
  const int64_t width = saved.hidden.size(2);
  const StepRows<T> gates = rows_at<T>(saved.gates, step), products = rows_at<T>(saved.product, step);
  const StepRows<T> incoming = rows_at<T>(row_gradients, step), outgoing = rows_at<T>(gate_gradients, step);
  const StepRows<T> own = rows_at<T>(own_gradients, step), hidden = rows_of<T>(carried);
  for_rows(saved.hidden.size(0), width, [&](int64_t b) {
    const T *reset = gates.row(b), *update = reset + width, *candidate = reset + 2 * width;
    const T *product = products.row(b), *old = before.row(b), *from_rows = incoming.row(b);
    T *dh = hidden.row(b), *dgates = outgoing.row(b), *downs = own.row(b);
    if (is_kept(mask, b, step)) {
      for (int64_t j = 0; j < width; ++j) dh[j] += from_rows[j];
      std::fill_n(dgates, 3 * width, T(0));
      std::fill_n(downs, 3 * width, T(0));
      return;
    }
    for (int64_t j = 0; j < width; ++j) {
      const T h = dh[j] + from_rows[j];
      const T n = h * (1 - update[j]) * (1 - candidate[j] * candidate[j]);
      const T z = h * (old[j] - candidate[j]) * update[j] * (1 - update[j]);
      const T r = n * product[j] * reset[j] * (1 - reset[j]);
      dgates[j] = downs[j] = r;
      dgates[width + j] = downs[width + j] = z;
      dgates[2 * width + j] = n;
      downs[2 * width + j] = n * reset[j];
      dh[j] = h * update[j];
    }
  });
}

// --- Both -----------------------------------------------------------------------------------------------------------

void look_for_cancel(int64_t cancel) {
  if (cancel != 0) reinterpret_cast<const CancelToken*>(cancel)->throw_if_cancelled();
}

void require_first_order() {
  if (!at::GradMode::is_enabled()) return;
  throw Error(ErrorKind::Unsupported, {.what = "the fused recurrence has no second derivative",
                                       .where = "",
                                       .got = "a backward pass that records a graph",
                                       .wanted = "a first-order gradient",
                                       .next = "build the network with fused off"});
}

// The hidden states that each step began with, (B, S, H).
at::Tensor states_before(const at::Tensor& rows, const at::Tensor& first, const Steps& steps) {
  const at::Tensor start = first.unsqueeze(1);
  if (steps.reverse) return at::cat({rows.narrow(1, 1, steps.count - 1), start}, 1);
  return at::cat({start, rows.narrow(1, 0, steps.count - 1)}, 1);
}

// Gradient of the weight from those of all its products, (B, S, n) and (B, S, H): one product over all steps.
at::Tensor weight_gradient(const at::Tensor& product_gradients, const at::Tensor& inputs) {
  return at::mm(product_gradients.flatten(0, 1).t(), inputs.flatten(0, 1));
}

at::Tensor state_at(const at::Tensor& rows, const at::Tensor& first, const Steps& steps, int64_t taken) {
  return taken == 0 ? first : rows.select(1, steps.at(taken - 1));
}

template <typename T>
StepRows<T> pointers(const at::Tensor& rows, const at::Tensor& first, const Steps& steps, int64_t taken) {
  return taken == 0 ? rows_of<T>(first) : rows_at<T>(rows, steps.at(taken - 1));
}

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class LstmFunction : public torch::autograd::Function<LstmFunction> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& given, const at::Tensor& weight,
                               const at::Tensor& hidden, const at::Tensor& cell, const at::Tensor& mask, bool reverse,
                               int64_t cancel) {
    const int64_t width = hidden.size(1);
    const Steps steps{given.size(1), reverse};
    const std::vector<int64_t> shape = {given.size(0), given.size(1), width};
    LstmSaved saved{at::empty_like(given), at::empty(shape, given.options()), at::empty(shape, given.options()),
                    at::empty(shape, given.options())};
    const at::Tensor transposed = weight.t();
    for (int64_t taken = 0; taken < steps.count; ++taken) {
      look_for_cancel(cancel);
      const int64_t step = steps.at(taken);
      at::Tensor gates = saved.gates.select(1, step);
      at::addmm_out(gates, given.select(1, step), state_at(saved.hidden, hidden, steps, taken), transposed);
      gates.narrow(1, 0, 2 * width).sigmoid_();
      gates.narrow(1, 2 * width, width).tanh_();
      gates.narrow(1, 3 * width, width).sigmoid_();
      at::Tensor tanhs = saved.tanhs.select(1, step);
      AT_DISPATCH_FLOATING_TYPES(given.scalar_type(), "lstm", [&] {
        lstm_cells<scalar_t>(saved, pointers<scalar_t>(saved.cells, cell, steps, taken), mask, step);
        at::tanh_out(tanhs, saved.cells.select(1, step));
        lstm_hidden<scalar_t>(saved, pointers<scalar_t>(saved.hidden, hidden, steps, taken), mask, step);
      });
    }
    context->save_for_backward({weight, hidden, cell, mask, saved.gates, saved.cells, saved.tanhs, saved.hidden});
    context->saved_data["reverse"] = reverse;
    context->saved_data["cancel"] = cancel;
    return {saved.hidden, saved.cells.select(1, steps.last()).clone()};
  }

  static variable_list backward(AutogradContext* context, variable_list incoming) {
    require_first_order();
    const auto kept = context->get_saved_variables();
    const at::Tensor &weight = kept[0], &hidden = kept[1], &cell = kept[2], &mask = kept[3];
    const LstmSaved saved{kept[4], kept[5], kept[6], kept[7]};
    const Steps steps{saved.gates.size(1), context->saved_data["reverse"].toBool()};
    const int64_t cancel = context->saved_data["cancel"].toInt();
    const at::Tensor row_gradients = incoming[0].contiguous();
    at::Tensor carried = at::zeros_like(hidden);
    at::Tensor cell_gradient = incoming[1].clone(at::MemoryFormat::Contiguous);
    at::Tensor gate_gradients = at::empty_like(saved.gates);
    for (int64_t taken = steps.count - 1; taken >= 0; --taken) {
      look_for_cancel(cancel);
      const int64_t step = steps.at(taken);
      AT_DISPATCH_FLOATING_TYPES(saved.gates.scalar_type(), "lstm_backward", [&] {
        lstm_backward_step<scalar_t>(saved, pointers<scalar_t>(saved.cells, cell, steps, taken), mask, step,
                                     row_gradients, carried, cell_gradient, gate_gradients);
      });
      carried.addmm_(gate_gradients.select(1, step), weight);
    }
    const at::Tensor of_weight = weight_gradient(gate_gradients, states_before(saved.hidden, hidden, steps));
    return {gate_gradients, of_weight, carried, cell_gradient, {}, {}, {}};
  }
};

class GruFunction : public torch::autograd::Function<GruFunction> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& given, const at::Tensor& weight,
                               const at::Tensor& bias, const at::Tensor& hidden, const at::Tensor& mask, bool reverse,
                               int64_t cancel) {
    const int64_t width = hidden.size(1);
    const Steps steps{given.size(1), reverse};
    const std::vector<int64_t> shape = {given.size(0), given.size(1), width};
    GruSaved saved{at::empty_like(given), at::empty(shape, given.options()), at::empty(shape, given.options())};
    const at::Tensor transposed = weight.t();
    at::Tensor own = at::empty({given.size(0), 3 * width}, given.options());
    for (int64_t taken = 0; taken < steps.count; ++taken) {
      look_for_cancel(cancel);
      const int64_t step = steps.at(taken);
      at::addmm_out(own, bias, state_at(saved.hidden, hidden, steps, taken), transposed);
      at::Tensor both = saved.gates.select(1, step).narrow(1, 0, 2 * width);
      at::add_out(both, given.select(1, step).narrow(1, 0, 2 * width), own.narrow(1, 0, 2 * width));
      both.sigmoid_();
      AT_DISPATCH_FLOATING_TYPES(given.scalar_type(), "gru", [&] {
        gru_candidates<scalar_t>(saved, given, own, step);
        saved.gates.select(1, step).narrow(1, 2 * width, width).tanh_();
        gru_hidden<scalar_t>(saved, pointers<scalar_t>(saved.hidden, hidden, steps, taken), mask, step);
      });
    }
    context->save_for_backward({weight, hidden, mask, saved.gates, saved.product, saved.hidden});
    context->saved_data["reverse"] = reverse;
    context->saved_data["cancel"] = cancel;
    return {saved.hidden};
  }

  static variable_list backward(AutogradContext* context, variable_list incoming) {
    require_first_order();
    const auto kept = context->get_saved_variables();
    const at::Tensor &weight = kept[0], &hidden = kept[1], &mask = kept[2];
    const GruSaved saved{kept[3], kept[4], kept[5]};
    const Steps steps{saved.gates.size(1), context->saved_data["reverse"].toBool()};
    const int64_t cancel = context->saved_data["cancel"].toInt();
    const at::Tensor row_gradients = incoming[0].contiguous();
    at::Tensor carried = at::zeros_like(hidden);
    at::Tensor gate_gradients = at::empty_like(saved.gates), own_gradients = at::empty_like(saved.gates);
    for (int64_t taken = steps.count - 1; taken >= 0; --taken) {
      look_for_cancel(cancel);
      const int64_t step = steps.at(taken);
      AT_DISPATCH_FLOATING_TYPES(saved.gates.scalar_type(), "gru_backward", [&] {
        gru_backward_step<scalar_t>(saved, pointers<scalar_t>(saved.hidden, hidden, steps, taken), mask, step,
                                    row_gradients, carried, gate_gradients, own_gradients);
      });
      carried.addmm_(own_gradients.select(1, step), weight);
    }
    const at::Tensor of_weight = weight_gradient(own_gradients, states_before(saved.hidden, hidden, steps));
    return {gate_gradients, of_weight, own_gradients.flatten(0, 1).sum(0), carried, {}, {}, {}};
  }
};

}  // namespace

RecurrenceStates fused_recurrence(const Recurrence& r) {
  // An autograd function takes no undefined tensor: an empty one stands for "no mask".
  const at::Tensor mask = r.mask.defined() ? r.mask.contiguous() : at::empty({0}, at::kLong);
  const auto cancel = reinterpret_cast<int64_t>(r.cancel);
  const Steps steps{r.gates.size(1), r.reverse};
  RecurrenceStates states;
  if (r.cell == Cell::Lstm) {
    const variable_list made = LstmFunction::apply(r.gates.contiguous(), r.weight, r.hidden.contiguous(),
                                                   r.cell_state.contiguous(), mask, r.reverse, cancel);
    states.rows = made[0];
    states.cell_state = made[1];
  } else {
    const at::Tensor bias = r.bias.defined() ? r.bias : at::zeros({r.weight.size(0)}, r.weight.options());
    states.rows =
        GruFunction::apply(r.gates.contiguous(), r.weight, bias, r.hidden.contiguous(), mask, r.reverse, cancel)[0];
  }
  states.hidden = states.rows.select(1, steps.last());
  return states;
}

}  // namespace espalier
