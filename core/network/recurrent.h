#pragma once
// Recurrent layers, and the decoder that reads an encoder of them (Luong 2015, arXiv 1508.04025).

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

#include "model/architecture.h"
#include "network/modules.h"
#include "network/network.h"

namespace espalier {

// A linear that is applied at every step, with its weight made once where that gives the same.
class StepLinear {
 public:
  explicit StepLinear(const LinearModule& module);
  // (B, in) to (B, out).
  at::Tensor operator()(const at::Tensor& x) const;
  bool has_weight() const { return weight_.defined(); }
  const at::Tensor& weight() const { return weight_; }
  const at::Tensor& bias() const { return bias_; }

 private:
  const LinearModule& module_;
  at::Tensor weight_, bias_;  // undefined: the module's own product
};

struct RecurrentDirection {
  LinearModule input, hidden;
};

// Hidden (B, width), and an LSTM's cell.
using CellStates = std::vector<at::Tensor>;

struct RecurrentModule {
  struct Result {
    at::Tensor rows;  // (B, S, output width)
    CellStates last;  // of every sequence's own end, directions side by side
  };

  RecurrentSpec spec;
  std::vector<RecurrentDirection> directions;

  // rows: (B, S, in). start: states of the first direction, or empty for zeros. A padded row changes no state.
  Result operator()(const at::Tensor& rows, const CellStates& start, const ForwardState& state) const;
  // One step of the first direction; gates: (B, gates) the input's part; `mask`: (B, 1) bool or undefined.
  CellStates step(const at::Tensor& gates, const CellStates& before, const StepLinear& hidden,
                  const at::Tensor& mask) const;
  CellStates zeros(const at::Tensor& like) const;

 private:
  Result run(const RecurrentDirection& direction, bool reverse, const at::Tensor& rows, const CellStates& start,
             const ForwardState& state) const;
};

// A whole recurrent model behind its embeddings and before its head.
class RecurrentNetwork {
 public:
  // Gives the linear of a module's name.
  using Wire = std::function<LinearModule(const std::string&)>;
  RecurrentNetwork(const Architecture& architecture, const Wire& wire);

  // What a pass reads; `source` and `target` are the states of the two stacks.
  struct Pass {
    const NetworkBatch& batch;
    const ForwardOptions& options;
    const EmbeddingModule& embedding;
    const EmbeddingModule& decoder_embedding;
    const HeadModule& head;
    ForwardState source, target;
  };
  ForwardResult operator()(const Pass& pass) const;

 private:
  struct Bridge {
    std::vector<LinearModule> linears;  // of hidden and cell; none: states pass as they are
  };

  at::Tensor run_stack(const std::vector<RecurrentModule>& layers, at::Tensor rows, const Pass& pass,
                       const ForwardState& state, const std::vector<at::Tensor>& start,
                       std::vector<at::Tensor>& hidden_states, std::vector<CellStates>& last) const;
  ForwardResult read_alone(const Pass& pass) const;
  ForwardResult compare_texts(const Pass& pass) const;
  ForwardResult translate(const Pass& pass) const;
  RecurrentState read_source(const Pass& pass, ForwardResult& result) const;
  at::Tensor decode_fed(const Pass& pass, const at::Tensor& words, RecurrentState& at, ForwardResult& result) const;
  at::Tensor decode_whole(const Pass& pass, const at::Tensor& words, RecurrentState& at, ForwardResult& result) const;
  // tanh(W [c, h]) for states (B, T, width); `shares` gets (B, T, M) unless null.
  at::Tensor attend(const at::Tensor& states, const at::Tensor& keys, const RecurrentState& at,
                    const ForwardState& state, const StepLinear* combine, at::Tensor* shares) const;
  at::Tensor keys_of(const RecurrentState& at) const;
  void check_state(const Pass& pass) const;

  Architecture architecture_;
  std::vector<RecurrentModule> encoder_, decoder_;
  std::vector<Bridge> bridges_;
  LinearModule score_, combine_;
};

}  // namespace espalier
