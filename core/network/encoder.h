#pragma once
// The modules of an encoder. A module holds places: pointers to the parametrizations that its network owns, so that
// replacing one is seen by every module that shares it.

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <vector>

#include "model/architecture.h"
#include "network/dropout.h"
#include "network/network.h"

namespace espalier {

using Place = const std::shared_ptr<Parametrization>*;  // null: there is no such weight

struct LinearModule {
  Place weight = nullptr;
  Place bias = nullptr;

  // (..., in) to (..., out).
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& token_mask) const;
};

struct NormModule {
  Place weight = nullptr;
  Place bias = nullptr;
  double epsilon = 1e-12;

  at::Tensor operator()(const at::Tensor& x) const;
};

// What all modules of one forward pass see.
struct ForwardState {
  at::Tensor token_mask;  // (B, S), 1 for tokens; undefined when no sequence is padded
  bool training = false;
  bool fused = true;
  double hidden_dropout = 0;
  double attention_dropout = 0;
  DropoutStream* dropout = nullptr;

  at::Tensor drop_hidden(const at::Tensor& x) const { return training ? dropout->apply(x, hidden_dropout) : x; }
};

struct EmbeddingModule {
  Place word = nullptr;
  Place position = nullptr;
  Place type = nullptr;
  NormModule norm;

  // word_rows: (B, S, hidden), the look-up or what replaces it.
  at::Tensor operator()(const at::Tensor& word_rows, const NetworkBatch& batch, const ForwardState& state) const;
};

struct AttentionModule {
  AttentionSpec spec;
  LinearModule q_proj, k_proj, v_proj, out_proj;
  NormModule norm;

  // hidden: (B, S, hidden). first_only: the result holds the first token's row alone, (B, 1, hidden). gate: see
  // ForwardOptions::head_gates, or undefined. probabilities: gets (B, heads, S, S) unless null.
  at::Tensor operator()(const at::Tensor& hidden, const at::Tensor& gate, bool first_only, at::Tensor* probabilities,
                        const ForwardState& state) const;
};

struct FeedForwardModule {
  FeedForwardSpec spec;
  LinearModule in_proj, out_proj;
  NormModule norm;

  at::Tensor operator()(const at::Tensor& hidden, const at::Tensor& gate, const ForwardState& state) const;
};

struct LayerModule {
  NormPlacement placement = NormPlacement::Post;
  AttentionModule attention;
  FeedForwardModule ffn;

  // With first_only the result is (B, 1, hidden): all that a head on the first token needs of the last layer.
  at::Tensor operator()(const at::Tensor& hidden, const at::Tensor& head_gate, const at::Tensor& unit_gate,
                        bool first_only, at::Tensor* probabilities, const ForwardState& state) const;
  // Whether first_only gives the same first row: no linear here looks at several rows at once.
  bool rows_independent() const;
};

struct HeadModule {
  HeadKind kind = HeadKind::None;
  Activation activation = Activation::Gelu;  // of a masked-LM head
  LinearModule pooler;                       // places null without a pooler
  LinearModule dense;                        // masked LM
  NormModule norm;                           // masked LM
  LinearModule out;

  // hidden: (B, S or 1, hidden) to the logits of ForwardResult.
  at::Tensor operator()(const at::Tensor& hidden, const ForwardState& state) const;
  // Whether only the first token's row is read.
  bool reads_first_token_only() const {
    return kind == HeadKind::None || kind == HeadKind::Classification || kind == HeadKind::Regression;
  }
};

at::Tensor activate(const at::Tensor& x, Activation activation);

}  // namespace espalier
