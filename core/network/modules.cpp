// The forward pass of a Transformer's layers (Vaswani 2017; Devlin 2019), norm after (post) or before (pre) each block.
// Letters: B sequences, S tokens of the longest, K keys, A heads, D head size.

#include "network/modules.h"

#include <ATen/ATen.h>

#include <cmath>

#include "model/positions.h"
#include "network/fused_attention.h"
#include "network/fused_gelu.h"
#include "network/fused_norm.h"
#include "network/library_attention.h"
#include "network/scalar_type.h"

namespace espalier {
namespace {

// A gate of (n), (B, n) or (B, n, S) against (B, n, S, trailing).
at::Tensor shaped_head_gate(const at::Tensor& gate) {
  if (gate.dim() == 1) return gate.view({1, -1, 1, 1});
  if (gate.dim() == 2) return gate.unsqueeze(-1).unsqueeze(-1);
  return gate.unsqueeze(-1);
}

at::Tensor first_rows(const at::Tensor& x) { return x.narrow(1, 0, 1); }

bool plain_float(const at::Tensor& x) { return x.device().is_cpu() && x.scalar_type() == at::kFloat; }

}  // namespace

void watch(const at::Tensor& x, const CancelToken* cancel) {
  if (cancel == nullptr) return;
  cancel->throw_if_cancelled();
  if (!x.requires_grad()) return;
  x.register_hook([token = *cancel](const at::Tensor&) { token.throw_if_cancelled(); });
}

at::Tensor activate(const at::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::Gelu:
      return plain_float(x) ? fused_gelu(x) : at::gelu(x, "none");
    case Activation::GeluTanh:
      return at::gelu(x, "tanh");
    case Activation::Relu:
      return at::relu(x);
    case Activation::Silu:
      return at::silu(x);
    case Activation::Tanh:
      return at::tanh(x);
    case Activation::Identity:
      return x;
  }
  return x;
}

at::Tensor LinearModule::operator()(const at::Tensor& x, const at::Tensor& token_mask) const {
  // Rows of the first token alone are all tokens.
  const bool mask_fits = token_mask.defined() && x.dim() == 3 && x.size(1) == token_mask.size(1);
  return (*weight)->linear(x, bias != nullptr ? (*bias)->effective() : at::Tensor(),
                           mask_fits ? token_mask : at::Tensor());
}

at::Tensor NormModule::operator()(const at::Tensor& x) const {
  const at::Tensor scale = (*weight)->effective();
  switch (kind) {
    case NormKind::Rms:
      return x * at::rsqrt(x.pow(2).mean(-1, true) + epsilon) * scale;
    case NormKind::Affine:
      return x * scale + (*bias)->effective();
    case NormKind::Layer:
      break;
  }
  return at::layer_norm(x, {x.size(-1)}, scale, (*bias)->effective(), epsilon);
}

at::Tensor NormModule::of_sum(const at::Tensor& kept, const at::Tensor& update, const ForwardState& state) const {
  if (!state.fused || kind != NormKind::Layer || !plain_float(kept) || kept.size(-1) == 0) {
    return (*this)(kept + state.drop_hidden(update));
  }
  const DropoutMask mask = state.training ? state.dropout->next(state.hidden_dropout) : DropoutMask{};
  return fused_add_norm(kept, update, (*weight)->effective(), (*bias)->effective(), epsilon, mask);
}

// --- Embeddings -----------------------------------------------------------------------------------------------------

at::Tensor EmbeddingModule::positions_of(const at::Tensor& ids) const {
  if (!spec.skip_padding) {
    return at::arange(spec.position_offset, spec.position_offset + ids.size(1), ids.options()).unsqueeze(0);
  }
  const at::Tensor counted = ids.ne(spec.pad_token_id).to(at::kLong);
  return counted.cumsum(1) * counted + (spec.position_offset - 1);
}

at::Tensor EmbeddingModule::operator()(const at::Tensor& word_rows, const at::Tensor& ids, const at::Tensor& types,
                                       const ForwardState& state) const {
  at::Tensor sum = spec.scale == 1 ? word_rows : word_rows * spec.scale;
  if (spec.trigram) {
    const at::Tensor nothing = at::zeros_like(first_rows(sum));
    const int64_t others = sum.size(1) - 1;
    const at::Tensor next = at::cat({sum.narrow(1, 1, others), nothing}, 1);
    const at::Tensor previous = at::cat({nothing, sum.narrow(1, 0, others)}, 1);
    sum = at::cat({next, sum, previous}, 2);
  }
  if (spec.projection == Projection::Words) sum = project(sum, state.token_mask);
  if (type != nullptr) sum = sum + (*type)->rows(types);
  if (position != nullptr) {
    sum = sum + (*position)->rows(positions_of(ids));
  } else if (fixed_positions.defined()) {
    sum = sum + fixed_positions.index_select(0, positions_of(ids).flatten()).view({-1, ids.size(1), sum.size(2)});
  }
  if (norm.weight != nullptr) sum = norm(sum);
  sum = state.drop_hidden(sum);
  return spec.projection == Projection::Sum ? project(sum, state.token_mask) : sum;
}

// --- Blocks ---------------------------------------------------------------------------------------------------------

at::Tensor AttentionModule::bias_of(int64_t queries, int64_t keys, const at::TensorOptions& options) const {
  at::Tensor bias;
  if (relative_bias != nullptr) {
    at::Tensor buckets = at::empty({1, queries * keys}, at::kLong);
    auto* bucket = buckets.data_ptr<int64_t>();
    for (int64_t query = 0; query < queries; ++query) {
      for (int64_t key = 0; key < keys; ++key) *bucket++ = relative_bucket(*spec.relative, spec.causal, key - query);
    }
    std::vector<int64_t> columns;
    for (const HeadIndex head : spec.heads) columns.push_back(head.value);
    const at::Tensor of_heads = at::tensor(columns, at::TensorOptions(at::kLong).device(options.device()));
    const at::Tensor rows = (*relative_bias)->rows(buckets.to(options.device())).index_select(2, of_heads);
    bias = rows.view({1, queries, keys, spec.num_heads()}).permute({0, 3, 1, 2});
  }
  if (!spec.causal) return bias;
  const at::Tensor later = at::ones({queries, keys}, options.dtype(at::kBool)).triu(1);
  const double lowest = lowest_of(c10::typeMetaToScalarType(options.dtype()));
  if (!bias.defined()) bias = at::zeros({1, 1, queries, keys}, options);
  return bias.masked_fill(later, lowest);
}

at::Tensor AttentionModule::operator()(const AttentionInputs& inputs, const at::Tensor& key_mask,
                                       const at::Tensor& gate, at::Tensor* probabilities,
                                       const ForwardState& state) const {
  const int64_t batch = inputs.query.size(0);
  const at::Tensor queries = q_proj(inputs.query, state.token_mask);
  const at::Tensor keys = k_proj(inputs.key, key_mask);
  const at::Tensor values = v_proj(inputs.value, key_mask);
  const bool plain = spec.scale == 0 && !spec.causal && !spec.relative;
  const bool fits_fused = plain && plain_float(queries) && spec.num_heads() > 0;
  if (state.fused && fits_fused && !gate.defined() && probabilities == nullptr) {
    const DropoutMask dropout = state.training ? state.dropout->next(state.attention_dropout) : DropoutMask{};
    const at::Tensor context = fused_attention(queries, keys, values, key_mask, spec.num_heads(), dropout);
    return out_proj(context, state.token_mask);
  }
  const auto split = [&](const at::Tensor& x) {
    return x.view({batch, x.size(1), spec.num_heads(), spec.head_dim}).transpose(1, 2);
  };
  const at::Tensor query = split(queries);
  const at::Tensor key = split(keys);
  const at::Tensor value = split(values);

  const auto joined = [&](const at::Tensor& context) {
    return out_proj(context.transpose(1, 2).reshape({batch, queries.size(1), spec.width()}), state.token_mask);
  };
  at::Tensor bias = bias_of(queries.size(1), keys.size(1), queries.options());
  const bool fits_library = has_library_attention() && state.fused && !plain_float(queries) && spec.num_heads() > 0;
  if (fits_library && !gate.defined() && probabilities == nullptr && !state.training) {
    if (key_mask.defined()) {
      if (!bias.defined()) bias = at::zeros({1, 1, 1, 1}, queries.options());
      bias = bias.masked_fill(key_mask.unsqueeze(1).unsqueeze(1).eq(0), lowest_of(queries.scalar_type()));
    }
    return joined(library_attention(query, key, value, bias, spec.score_scale()));
  }

  at::Tensor scores = at::matmul(query * spec.score_scale(), key.transpose(2, 3));
  if (bias.defined()) scores = scores + bias;
  if (key_mask.defined()) {
    scores = scores.masked_fill(key_mask.unsqueeze(1).unsqueeze(1).eq(0), lowest_of(scores.scalar_type()));
  }
  at::Tensor share_of_key = at::softmax(scores, -1);  // (B, A, S, K)
  if (probabilities != nullptr) *probabilities = share_of_key;
  if (state.training) share_of_key = state.dropout->apply(share_of_key, state.attention_dropout);
  at::Tensor context = at::matmul(share_of_key, value);  // (B, A, S, D)
  if (gate.defined()) context = context * shaped_head_gate(gate);
  return joined(context);
}

at::Tensor FeedForwardModule::operator()(const at::Tensor& hidden, const at::Tensor& gate, at::Tensor* units_out,
                                         const ForwardState& state) const {
  at::Tensor units = activate(in_proj(hidden, state.token_mask), spec.activation);  // (B, S, width)
  if (spec.gated) units = units * up_proj(hidden, state.token_mask);
  if (gate.defined()) units = units * (gate.dim() == 2 ? gate.unsqueeze(1) : gate);
  if (units_out != nullptr) *units_out = units;
  return out_proj(units, state.token_mask);
}

// --- Layers ---------------------------------------------------------------------------------------------------------

// The residual sum after self-attention.
at::Tensor LayerModule::attend(const at::Tensor& hidden, bool first_only, const LayerTaps& taps,
                               const ForwardState& state) const {
  const bool pre = spec.norm == NormPlacement::Pre;
  const at::Tensor read = pre ? attention.norm(hidden) : hidden;
  const AttentionInputs inputs{first_only ? first_rows(read) : read, read, read};
  const at::Tensor context = attention(inputs, state.token_mask, taps.head_gate, taps.probabilities, state);
  const at::Tensor kept = first_only ? first_rows(hidden) : hidden;
  return pre ? kept + state.drop_hidden(context) : attention.norm.of_sum(kept, context, state);
}

// The same in a bottleneck, (B, S, narrow).
at::Tensor LayerModule::attend_narrow(const at::Tensor& hidden, const LayerTaps& taps,
                                      const ForwardState& state) const {
  const auto through = [&](const BottleneckModule& module) {
    return module.norm(module.linear(hidden, state.token_mask));
  };
  const at::Tensor inner = through(narrow_input);
  AttentionInputs inputs{hidden, hidden, hidden};
  if (spec.bottleneck->attention) {
    inputs = {inner, inner, inner};
  } else if (spec.bottleneck->shared) {
    const at::Tensor read = through(narrow_attention);
    inputs = {read, read, hidden};
  }
  const at::Tensor context = attention(inputs, state.token_mask, taps.head_gate, taps.probabilities, state);
  return attention.norm.of_sum(inner, context, state);
}

at::Tensor LayerModule::operator()(const at::Tensor& hidden, bool first_only, const LayerTaps& taps,
                                   const ForwardState& state) const {
  const bool pre = spec.norm == NormPlacement::Pre;
  at::Tensor middle = spec.bottleneck ? attend_narrow(hidden, taps, state) : attend(hidden, first_only, taps, state);
  if (spec.cross) {
    const at::Tensor read = pre ? cross.norm(middle) : middle;
    const AttentionInputs inputs{read, state.memory, state.memory};
    const at::Tensor context = cross(inputs, state.memory_mask, {}, taps.cross_probabilities, state);
    middle = pre ? middle + state.drop_hidden(context) : cross.norm.of_sum(middle, context, state);
  }
  const auto feed_forward = [&](const FeedForwardModule& block, const at::Tensor& gate, at::Tensor* units) {
    middle = pre ? middle + state.drop_hidden(block(block.norm(middle), gate, units, state))
                 : block.norm.of_sum(middle, block(middle, gate, units, state), state);
  };
  for (const FeedForwardModule& block : stacked) feed_forward(block, {}, nullptr);
  feed_forward(ffn, taps.unit_gate, taps.units);
  if (!spec.bottleneck) return middle;
  return narrow_output.norm.of_sum(hidden, narrow_output.linear(middle, state.token_mask), state);
}

bool LayerModule::rows_independent() const {
  if (spec.bottleneck || spec.cross || spec.attention.causal || spec.attention.relative) return false;
  std::vector<const LinearModule*> linears = {&attention.q_proj, &attention.out_proj, &ffn.in_proj, &ffn.out_proj};
  if (spec.ffn.gated) linears.push_back(&ffn.up_proj);
  for (const FeedForwardModule& block : stacked) {
    linears.push_back(&block.in_proj);
    linears.push_back(&block.out_proj);
  }
  for (const LinearModule* linear : linears) {
    if (!(*linear->weight)->rows_independent()) return false;
  }
  return true;
}

// --- Head -----------------------------------------------------------------------------------------------------------

at::Tensor HeadModule::operator()(const at::Tensor& hidden, const ForwardState& state) const {
  if (reads_first_token_only()) {
    at::Tensor pooled = hidden.select(1, 0);
    if (pooler.weight != nullptr) pooled = at::tanh(pooler(pooled, {}));
    if (spec.kind == HeadKind::None) return pooler.weight != nullptr ? pooled : at::Tensor();
    pooled = state.drop_hidden(pooled);
    if (dense.weight != nullptr) pooled = state.drop_hidden(activate(dense(pooled, {}), activation));
    return out(pooled, {});
  }
  at::Tensor read = spec.scale == 1 ? hidden : hidden * spec.scale;
  if (spec.kind == HeadKind::TokenClassification) read = state.drop_hidden(read);
  if (dense.weight != nullptr) read = activate(dense(read, state.token_mask), activation);
  if (norm.weight != nullptr) read = norm(read);
  if (extra.weight == nullptr) return out(read, state.token_mask);
  return out(read.narrow(-1, 0, out_width), state.token_mask) +
         extra(read.narrow(-1, out_width, read.size(-1) - out_width), state.token_mask);
}

}  // namespace espalier
