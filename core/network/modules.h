#pragma once
// The modules of a Transformer. A module holds places: pointers to the parametrizations that its network owns, so that
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

// What all modules of one stack of one forward pass see.
struct ForwardState {
  at::Tensor token_mask;   // (B, S), 1 for tokens; undefined when no sequence is padded
  at::Tensor memory;       // (B, M, hidden) the encoder's output, for a decoder
  at::Tensor memory_mask;  // (B, M) as token_mask
  bool training = false;
  bool fused = true;
  double hidden_dropout = 0;
  double attention_dropout = 0;
  DropoutStream* dropout = nullptr;
  const CancelToken* cancel = nullptr;  // looked at between the steps of a recurrent layer

  at::Tensor drop_hidden(const at::Tensor& x) const { return training ? dropout->apply(x, hidden_dropout) : x; }
};

struct NormModule {
  Place weight = nullptr;  // null: there is no norm
  Place bias = nullptr;
  NormKind kind = NormKind::Layer;
  double epsilon = 1e-12;

  at::Tensor operator()(const at::Tensor& x) const;
  // Of kept + dropout(update).
  at::Tensor of_sum(const at::Tensor& kept, const at::Tensor& update, const ForwardState& state) const;
};

struct EmbeddingModule {
  EmbeddingSpec spec;
  Place word = nullptr;
  Place position = nullptr;
  Place type = nullptr;
  LinearModule project;
  NormModule norm;
  at::Tensor fixed_positions;  // (rows, width) where a formula gives them

  // word_rows: (B, S, width), the look-up or what replaces it; ids, types: (B, S).
  at::Tensor operator()(const at::Tensor& word_rows, const at::Tensor& ids, const at::Tensor& types,
                        const ForwardState& state) const;

 private:
  at::Tensor positions_of(const at::Tensor& ids) const;
};

// What queries, keys and values are made from: (B, S, in) each.
struct AttentionInputs {
  at::Tensor query, key, value;
};

struct AttentionModule {
  AttentionSpec spec;
  LinearModule q_proj, k_proj, v_proj, out_proj;
  NormModule norm;
  Place relative_bias = nullptr;

  // key_mask: (B, K) or undefined. gate: see ForwardOptions::head_gates, or undefined. probabilities: gets
  // (B, heads, S, K) unless null. The result has the query's rows; its dropout is the caller's.
  at::Tensor operator()(const AttentionInputs& inputs, const at::Tensor& key_mask, const at::Tensor& gate,
                        at::Tensor* probabilities, const ForwardState& state) const;

 private:
  // (1, heads, S, K), what is added to the scores; undefined when nothing is.
  at::Tensor bias_of(int64_t queries, int64_t keys, const at::TensorOptions& options) const;
};

struct FeedForwardModule {
  FeedForwardSpec spec;
  LinearModule in_proj, up_proj, out_proj;
  NormModule norm;

  // units: gets (B, S, width), what out_proj reads, unless null. The dropout of the result is the caller's.
  at::Tensor operator()(const at::Tensor& hidden, const at::Tensor& gate, at::Tensor* units,
                        const ForwardState& state) const;
};

// A linear and the norm behind it, at either end of a layer that works narrower than its stack.
struct BottleneckModule {
  LinearModule linear;
  NormModule norm;
};

// What a layer does beside its computation: gates, probabilities, activations.
struct LayerTaps {
  at::Tensor head_gate, unit_gate;
  at::Tensor* probabilities = nullptr;
  at::Tensor* cross_probabilities = nullptr;
  at::Tensor* units = nullptr;
};

struct LayerModule {
  LayerSpec spec;
  AttentionModule attention;
  AttentionModule cross;
  std::vector<FeedForwardModule> stacked;
  FeedForwardModule ffn;
  BottleneckModule narrow_input, narrow_attention, narrow_output;

  // With first_only the result is (B, 1, hidden): all that a head on the first token needs of the last layer.
  at::Tensor operator()(const at::Tensor& hidden, bool first_only, const LayerTaps& taps,
                        const ForwardState& state) const;
  // Whether first_only gives the same first row: no linear here looks at several rows at once.
  bool rows_independent() const;

 private:
  at::Tensor attend(const at::Tensor& hidden, bool first_only, const LayerTaps& taps, const ForwardState& state) const;
  at::Tensor attend_narrow(const at::Tensor& hidden, const LayerTaps& taps, const ForwardState& state) const;
};

struct StackModule {
  EmbeddingModule embedding;
  std::vector<LayerModule> layers;
  NormModule final_norm;
};

struct HeadModule {
  HeadSpec spec;
  Activation activation = Activation::Gelu;  // of the dense linear
  LinearModule pooler;                       // places null without a pooler
  LinearModule dense;                        // places null without one
  NormModule norm;                           // masked LM
  LinearModule out, extra;
  int64_t out_width = 0;  // inputs of `out` when `extra` reads the others

  // hidden: (B, S or 1, hidden) to the logits of ForwardResult.
  at::Tensor operator()(const at::Tensor& hidden, const ForwardState& state) const;
  // Whether only the first token's row is read.
  bool reads_first_token_only() const {
    return spec.kind == HeadKind::None || spec.kind == HeadKind::Classification || spec.kind == HeadKind::Regression;
  }
};

// Throws Cancelled when the gradient of `x` arrives after the token was cancelled, or at once; no token: nothing.
void watch(const at::Tensor& x, const CancelToken* cancel);

at::Tensor activate(const at::Tensor& x, Activation activation);

}  // namespace espalier
