// The forward pass of a BERT-type encoder (Devlin 2019), layer norm after (post) or before (pre) each block.
// Letters: B sequences, S tokens of the longest, A heads, D head size.

#include "network/encoder.h"

#include <torch/torch.h>

#include <cmath>
#include <limits>

#include "network/fused_attention.h"

namespace espalier {
namespace {

// A gate of (n), (B, n) or (B, n, S) against (B, n, S, trailing).
at::Tensor shaped_head_gate(const at::Tensor& gate) {
  if (gate.dim() == 1) return gate.view({1, -1, 1, 1});
  if (gate.dim() == 2) return gate.unsqueeze(-1).unsqueeze(-1);
  return gate.unsqueeze(-1);
}

}  // namespace

at::Tensor activate(const at::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::Gelu:
      return at::gelu(x, "none");
    case Activation::GeluTanh:
      return at::gelu(x, "tanh");
    case Activation::Relu:
      return at::relu(x);
    case Activation::Silu:
      return at::silu(x);
    case Activation::Tanh:
      return at::tanh(x);
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
  return at::layer_norm(x, {x.size(-1)}, (*weight)->effective(), (*bias)->effective(), epsilon);
}

at::Tensor EmbeddingModule::operator()(const at::Tensor& word_rows, const NetworkBatch& batch,
                                       const ForwardState& state) const {
  const int64_t length = word_rows.size(1);
  at::Tensor sum = word_rows;
  if (type != nullptr) sum = sum + (*type)->rows(batch.token_type_ids);
  if (position != nullptr) {
    const at::Tensor ids = at::arange(length, batch.input_ids.options()).unsqueeze(0);
    sum = sum + (*position)->rows(ids);
  }
  return state.drop_hidden(norm(sum));
}

at::Tensor AttentionModule::operator()(const at::Tensor& hidden, const at::Tensor& gate, bool first_only,
                                       at::Tensor* probabilities, const ForwardState& state) const {
  const int64_t batch = hidden.size(0);
  const at::Tensor queries_of = first_only ? hidden.narrow(1, 0, 1) : hidden;
  const at::Tensor queries = q_proj(queries_of, state.token_mask);
  const at::Tensor keys = k_proj(hidden, state.token_mask);
  const at::Tensor values = v_proj(hidden, state.token_mask);
  const bool fits_fused = queries.device().is_cpu() && queries.scalar_type() == at::kFloat && spec.num_heads() > 0;
  if (state.fused && fits_fused && !gate.defined() && probabilities == nullptr) {
    AttentionDropout dropout;
    if (state.training && state.attention_dropout > 0) dropout = {state.attention_dropout, state.dropout->next_key()};
    const at::Tensor context = fused_attention(queries, keys, values, state.token_mask, spec.num_heads(), dropout);
    return state.drop_hidden(out_proj(context, state.token_mask));
  }
  const auto split = [&](const at::Tensor& x) {
    return x.view({batch, x.size(1), spec.num_heads(), spec.head_dim}).transpose(1, 2);
  };
  const at::Tensor query = split(queries);
  const at::Tensor key = split(keys);
  const at::Tensor value = split(values);

  at::Tensor scores = at::matmul(query / std::sqrt(static_cast<double>(spec.head_dim)), key.transpose(2, 3));
  if (state.token_mask.defined()) {
    // The lowest finite number, not infinity: a row without any token stays a number.
    const double lowest = scores.scalar_type() == at::kDouble ? std::numeric_limits<double>::lowest()
                                                              : std::numeric_limits<float>::lowest();
    scores = scores.masked_fill(state.token_mask.unsqueeze(1).unsqueeze(1).eq(0), lowest);
  }
  at::Tensor share_of_key = at::softmax(scores, -1);  // (B, A, S, S)
  if (probabilities != nullptr) *probabilities = share_of_key;
  if (state.training) share_of_key = state.dropout->apply(share_of_key, state.attention_dropout);
  at::Tensor context = at::matmul(share_of_key, value);  // (B, A, S, D)
  if (gate.defined()) context = context * shaped_head_gate(gate);
  context = context.transpose(1, 2).reshape({batch, queries_of.size(1), spec.width()});
  return state.drop_hidden(out_proj(context, state.token_mask));
}

at::Tensor FeedForwardModule::operator()(const at::Tensor& hidden, const at::Tensor& gate,
                                         const ForwardState& state) const {
  at::Tensor units = activate(in_proj(hidden, state.token_mask), spec.activation);  // (B, S, width)
  if (gate.defined()) units = units * (gate.dim() == 2 ? gate.unsqueeze(1) : gate);
  return state.drop_hidden(out_proj(units, state.token_mask));
}

at::Tensor LayerModule::operator()(const at::Tensor& hidden, const at::Tensor& head_gate, const at::Tensor& unit_gate,
                                   bool first_only, at::Tensor* probabilities, const ForwardState& state) const {
  const at::Tensor residual = first_only ? hidden.narrow(1, 0, 1) : hidden;
  if (placement == NormPlacement::Pre) {
    const at::Tensor middle = residual + attention(attention.norm(hidden), head_gate, first_only, probabilities, state);
    return middle + ffn(ffn.norm(middle), unit_gate, state);
  }
  const at::Tensor middle = attention.norm(residual + attention(hidden, head_gate, first_only, probabilities, state));
  return ffn.norm(middle + ffn(middle, unit_gate, state));
}

bool LayerModule::rows_independent() const {
  for (const LinearModule* linear : {&attention.q_proj, &attention.out_proj, &ffn.in_proj, &ffn.out_proj}) {
    if (!(*linear->weight)->rows_independent()) return false;
  }
  return true;
}

at::Tensor HeadModule::operator()(const at::Tensor& hidden, const ForwardState& state) const {
  if (reads_first_token_only()) {
    at::Tensor pooled = hidden.select(1, 0);
    if (pooler.weight != nullptr) pooled = at::tanh(pooler(pooled, {}));
    if (kind == HeadKind::None) return pooler.weight != nullptr ? pooled : at::Tensor();
    return out(state.drop_hidden(pooled), {});
  }
  switch (kind) {
    case HeadKind::TokenClassification:
      return out(state.drop_hidden(hidden), state.token_mask);
    case HeadKind::MaskedLm:
      return out(norm(activate(dense(hidden, state.token_mask), activation)), state.token_mask);
    default:
      return out(hidden, state.token_mask);
  }
}

}  // namespace espalier
