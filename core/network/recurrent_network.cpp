// Whole recurrent models: one stack (Zaremba 2014, arXiv 1409.2329, for where dropout stands), a stack on both texts of
// a pair (Tang 2019), an encoder and a decoder with attention (Luong 2015). Letters: B sequences, S tokens, T of the
// target, M of the source.

#include <ATen/ATen.h>

#include <limits>

#include "base/error.h"
#include "network/recurrent.h"

namespace espalier {
namespace {

// Where the tokens of both texts of a pair stand: the first texts of all sequences, then their second ones.
struct PairLayout {
  at::Tensor sources;  // (2 B, P) int64: the flat place (b, s) of a text's token; anything behind its end
  at::Tensor mask;     // (2 B, P)
  at::Tensor places;   // (B, S) int64: the flat place (text, p) of a token
};

PairLayout pair_layout(const NetworkBatch& batch) {
  const at::Tensor ids = batch.input_ids;
  const int64_t size = ids.size(0), length = ids.size(1);
  const at::Tensor mask = batch.attention_mask.ne(0);
  const at::Tensor second = batch.token_type_ids.ne(0);
  const at::Tensor texts = at::cat({mask.logical_and(second.logical_not()), mask.logical_and(second)}, 0);  // (2 B, S)
  const at::Tensor lengths = texts.sum(1);
  if (lengths.min().item<int64_t>() == 0) {
    const bool first = lengths.narrow(0, 0, size).min().item<int64_t>() == 0;
    throw Error(ErrorKind::InvalidInput, {.what = "a pair has only one text",
                                          .where = "token_type_ids",
                                          .got = first ? "no token of the type 0" : "no token of the type 1",
                                          .wanted = "tokens of the types 0 and 1",
                                          .next = "give two texts to a model that compares them"});
  }
  PairLayout layout;
  const int64_t longest = lengths.max().item<int64_t>();
  // Tokens of the text first, in their order.
  const at::Tensor order =
      std::get<1>(at::sort(texts.logical_not().to(at::kLong), c10::optional<bool>(true), 1, false));
  const at::Tensor base = at::arange(size, ids.options()).mul(length).repeat({2}).unsqueeze(1);
  layout.sources = order.narrow(1, 0, longest) + base;
  layout.mask = at::arange(longest, ids.options()).unsqueeze(0).lt(lengths.unsqueeze(1)).to(at::kLong);
  const at::Tensor within = at::cumsum(texts.to(at::kLong), 1) - 1;  // (2 B, S)
  const at::Tensor own = at::where(second, within.narrow(0, size, size), within.narrow(0, 0, size));
  const at::Tensor text = at::arange(size, ids.options()).unsqueeze(1) + second.to(at::kLong) * size;
  layout.places = text * longest + own.clamp_min(0);
  return layout;
}

// rows: (N, L, width) flattened and picked by places (n, l) to (n, l, width).
at::Tensor picked(const at::Tensor& rows, const at::Tensor& places) {
  return rows.flatten(0, 1).index_select(0, places.flatten()).view({places.size(0), places.size(1), rows.size(2)});
}

std::vector<at::Tensor> flat(const std::vector<CellStates>& layers) {
  std::vector<at::Tensor> all;
  for (const CellStates& states : layers) all.insert(all.end(), states.begin(), states.end());
  return all;
}

// The states of the layer whose first one stands at `at`, which moves on; empty when there are none.
CellStates states_of(const RecurrentSpec& spec, const std::vector<at::Tensor>& all, size_t& at) {
  if (all.empty()) return {};
  const auto begin = all.begin() + static_cast<ptrdiff_t>(at);
  at += static_cast<size_t>(spec.num_states());
  return {begin, begin + spec.num_states()};
}

}  // namespace

RecurrentNetwork::RecurrentNetwork(const Architecture& architecture, const Wire& wire) : architecture_(architecture) {
  const auto make = [&](Stack stack) {
    std::vector<RecurrentModule> made;
    const std::vector<LayerSpec>& specs = layer_specs(architecture, stack);
    for (size_t i = 0; i < specs.size(); ++i) {
      const std::string at = std::string(to_string(stack)) + "." + std::to_string(i) + ".recurrent.";
      RecurrentModule layer{*specs[i].recurrent, {{wire(at + "input"), wire(at + "hidden")}}};
      if (layer.spec.bidirectional) {
        layer.directions.push_back({wire(at + "backward.input"), wire(at + "backward.hidden")});
      }
      made.push_back(std::move(layer));
    }
    return made;
  };
  encoder_ = make(Stack::Encoder);
  if (!architecture.has_decoder()) return;
  decoder_ = make(Stack::Decoder);
  const RecurrentDecoderSpec& spec = *architecture.recurrent_decoder;
  for (size_t i = 0; i < decoder_.size(); ++i) {
    Bridge bridge;
    const std::string at = "decoder." + std::to_string(i) + ".bridge.";
    if (spec.bridge) bridge.linears.push_back(wire(at + "hidden"));
    if (spec.bridge && decoder_[i].spec.cell == Cell::Lstm) bridge.linears.push_back(wire(at + "cell"));
    bridges_.push_back(std::move(bridge));
  }
  if (!spec.attention) return;
  if (spec.attention == AttentionScore::General) score_ = wire("decoder.attention.score");
  combine_ = wire("decoder.attention.combine");
}

void RecurrentNetwork::check_state(const Pass& pass) const {
  const RecurrentState* given = pass.options.recurrent_state;
  if (given == nullptr) return;
  const std::vector<RecurrentModule>& stack = decoder_.empty() ? encoder_ : decoder_;
  size_t wanted = 0;
  for (const RecurrentModule& layer : stack) wanted += static_cast<size_t>(layer.spec.num_states());
  const bool fits = given->states.size() == wanted && (decoder_.empty() || given->memory.defined());
  if (fits && (architecture_.has_decoder() || architecture_.is_causal())) return;
  throw Error(ErrorKind::InvalidInput, {.what = "the state is not one that this model goes on from",
                                        .where = "recurrent_state",
                                        .got = std::to_string(given->states.size()) + " tensors",
                                        .wanted = std::to_string(wanted) + " of a stack that reads left to right",
                                        .next = "give the state of a forward pass of the same model"});
}

at::Tensor RecurrentNetwork::run_stack(const std::vector<RecurrentModule>& layers, at::Tensor rows, const Pass& pass,
                                       const ForwardState& state, const std::vector<at::Tensor>& start,
                                       std::vector<at::Tensor>& hidden_states, std::vector<CellStates>& last) const {
  size_t at = 0;
  for (size_t i = 0; i < layers.size(); ++i) {
    if (pass.options.hidden_states) hidden_states.push_back(rows);
    watch(rows, pass.options.cancel);
    if (i > 0) rows = state.drop_hidden(rows);
    RecurrentModule::Result result = layers[i](rows, states_of(layers[i].spec, start, at), state);
    rows = std::move(result.rows);
    last.push_back(std::move(result.last));
  }
  if (pass.options.hidden_states) hidden_states.push_back(rows);
  watch(rows, pass.options.cancel);
  return rows;
}

ForwardResult RecurrentNetwork::operator()(const Pass& pass) const {
  check_state(pass);
  if (!decoder_.empty()) return translate(pass);
  return architecture_.head.pooling == Pooling::ComparedStates ? compare_texts(pass) : read_alone(pass);
}

ForwardResult RecurrentNetwork::read_alone(const Pass& pass) const {
  const NetworkBatch& batch = pass.batch;
  const at::Tensor words = pass.options.word_embeddings != nullptr ? *pass.options.word_embeddings
                                                                   : (*pass.embedding.word)->rows(batch.input_ids);
  const std::vector<at::Tensor> start =
      pass.options.recurrent_state != nullptr ? pass.options.recurrent_state->states : std::vector<at::Tensor>();
  ForwardResult result;
  std::vector<CellStates> last;
  at::Tensor rows = pass.embedding(words, batch.input_ids, batch.token_type_ids, pass.source);
  rows = run_stack(encoder_, rows, pass, pass.source, start, result.hidden_states, last);
  if (architecture_.head.pooling == Pooling::LastStates) {
    result.logits = pass.head(last.back()[0].unsqueeze(1), pass.source);
  } else {
    // The head of a token's class drops what it reads by itself.
    const bool drops = architecture_.head.kind == HeadKind::TokenClassification;
    result.logits = pass.head(drops ? rows : pass.source.drop_hidden(rows), pass.source);
  }
  if (architecture_.is_causal()) result.recurrent_state.states = flat(last);
  return result;
}

ForwardResult RecurrentNetwork::compare_texts(const Pass& pass) const {
  const NetworkBatch& batch = pass.batch;
  const PairLayout layout = pair_layout(batch);
  const at::Tensor words = pass.options.word_embeddings != nullptr ? *pass.options.word_embeddings
                                                                   : (*pass.embedding.word)->rows(batch.input_ids);
  const at::Tensor rows = pass.embedding(words, batch.input_ids, batch.token_type_ids, pass.source);
  ForwardState both = pass.source;
  both.token_mask = layout.mask;
  ForwardResult result;
  std::vector<CellStates> last;
  run_stack(encoder_, picked(rows, layout.sources), pass, both, {}, result.hidden_states, last);
  for (at::Tensor& states : result.hidden_states) states = picked(states, layout.places);
  const int64_t size = batch.input_ids.size(0);
  const at::Tensor u = last.back()[0].narrow(0, 0, size), v = last.back()[0].narrow(0, size, size);
  result.logits = pass.head(at::cat({u, v, u * v, (u - v).abs()}, 1).unsqueeze(1), pass.source);
  return result;
}

// --- Encoder and decoder --------------------------------------------------------------------------------------------

// Runs the encoder; the decoder's first states.
RecurrentState RecurrentNetwork::read_source(const Pass& pass, ForwardResult& result) const {
  const NetworkBatch& batch = pass.batch;
  const at::Tensor words = pass.options.word_embeddings != nullptr ? *pass.options.word_embeddings
                                                                   : (*pass.embedding.word)->rows(batch.input_ids);
  std::vector<CellStates> last;
  RecurrentState begin;
  begin.memory = run_stack(encoder_, pass.embedding(words, batch.input_ids, batch.token_type_ids, pass.source), pass,
                           pass.source, {}, result.hidden_states, last);
  begin.memory_mask = pass.source.token_mask;
  for (size_t i = 0; i < decoder_.size(); ++i) {
    const CellStates& from = last[bridged_layer(architecture_, i)];
    const std::vector<LinearModule>& linears = bridges_[i].linears;
    for (size_t k = 0; k < static_cast<size_t>(decoder_[i].spec.num_states()); ++k) {
      // A GRU's only state goes to both of an LSTM.
      const at::Tensor& one = from[std::min(k, from.size() - 1)];
      begin.states.push_back(linears.empty() ? one : at::tanh(linears[k](one, {})));
    }
  }
  return begin;
}

at::Tensor RecurrentNetwork::keys_of(const RecurrentState& at) const {
  return score_.weight != nullptr ? score_(at.memory, at.memory_mask) : at.memory;
}

at::Tensor RecurrentNetwork::attend(const at::Tensor& states, const at::Tensor& keys, const RecurrentState& at,
                                    const ForwardState& state, const StepLinear* combine, at::Tensor* shares) const {
  at::Tensor scores = at::bmm(states, keys.transpose(1, 2));  // (B, T, M)
  if (at.memory_mask.defined()) {
    const double lowest = scores.scalar_type() == at::kDouble ? std::numeric_limits<double>::lowest()
                                                              : std::numeric_limits<float>::lowest();
    scores = scores.masked_fill(at.memory_mask.unsqueeze(1).eq(0), lowest);
  }
  at::Tensor share = at::softmax(scores, -1);
  if (shares != nullptr) *shares = share;
  if (state.training) share = state.dropout->apply(share, state.attention_dropout);
  const at::Tensor read = at::cat({at::bmm(share, at.memory), states}, 2);
  return at::tanh(combine != nullptr ? (*combine)(read) : combine_(read, state.token_mask));
}

ForwardResult RecurrentNetwork::translate(const Pass& pass) const {
  ForwardResult result;
  RecurrentState at =
      pass.options.recurrent_state != nullptr ? *pass.options.recurrent_state : read_source(pass, result);
  const at::Tensor& targets = pass.batch.decoder_input_ids;
  const at::Tensor words =
      pass.decoder_embedding((*pass.decoder_embedding.word)->rows(targets), targets, {}, pass.target);
  const RecurrentDecoderSpec& spec = *architecture_.recurrent_decoder;
  const bool fed = spec.attention && spec.input_feeding;
  const at::Tensor rows = fed ? decode_fed(pass, words, at, result) : decode_whole(pass, words, at, result);
  if (architecture_.head.kind != HeadKind::None) {
    result.logits = pass.head(pass.target.drop_hidden(rows), pass.target);
  }
  result.recurrent_state = std::move(at);
  return result;
}

// Without input feeding, no step waits for the attention of the one before.
at::Tensor RecurrentNetwork::decode_whole(const Pass& pass, const at::Tensor& words, RecurrentState& at,
                                          ForwardResult& result) const {
  std::vector<CellStates> last;
  at::Tensor rows = run_stack(decoder_, words, pass, pass.target, at.states, result.decoder_hidden_states, last);
  at.states = flat(last);
  if (!architecture_.recurrent_decoder->attention) return rows;
  at::Tensor shares;
  rows = attend(pass.target.drop_hidden(rows), keys_of(at), at, pass.target, nullptr, &shares);
  if (pass.options.attentions) result.cross_attentions.push_back(shares.unsqueeze(1));
  if (pass.options.hidden_states) result.decoder_hidden_states.back() = rows;
  return rows;
}

at::Tensor RecurrentNetwork::decode_fed(const Pass& pass, const at::Tensor& words, RecurrentState& at,
                                        ForwardResult& result) const {
  const ForwardState& state = pass.target;
  const at::Tensor keys = keys_of(at);
  const StepLinear combine(combine_);
  std::vector<StepLinear> inputs, hiddens;
  for (const RecurrentModule& layer : decoder_) {
    inputs.emplace_back(layer.directions[0].input);
    hiddens.emplace_back(layer.directions[0].hidden);
  }
  std::vector<CellStates> now;
  size_t next = 0;
  for (const RecurrentModule& layer : decoder_) now.push_back(states_of(layer.spec, at.states, next));
  at::Tensor fed = at.fed.defined() ? at.fed : at::zeros({words.size(0), architecture_.hidden_size}, words.options());
  // The words' part of the first layer's product, of all steps at once.
  at::Tensor given, of_fed;
  if (inputs[0].has_weight()) {
    const at::Tensor& weight = inputs[0].weight();
    const int64_t width = words.size(2);
    given = at::linear(words, weight.narrow(1, 0, width), inputs[0].bias());
    of_fed = weight.narrow(1, width, weight.size(1) - width).t();
  }
  const at::Tensor mask = state.token_mask.defined() ? state.token_mask.ne(0) : at::Tensor();
  std::vector<std::vector<at::Tensor>> states(decoder_.size());
  std::vector<at::Tensor> rows, shares;
  for (int64_t t = 0; t < words.size(1); ++t) {
    watch(fed, pass.options.cancel);
    const at::Tensor is_token = mask.defined() ? mask.narrow(1, t, 1) : at::Tensor();
    at::Tensor x;
    for (size_t i = 0; i < decoder_.size(); ++i) {
      at::Tensor gates;
      if (i == 0) {
        gates = given.defined() ? at::addmm(given.select(1, t), fed, of_fed)
                                : inputs[0](at::cat({words.select(1, t), fed}, 1));
      } else {
        gates = inputs[i](state.drop_hidden(x));
      }
      now[i] = decoder_[i].step(gates, now[i], hiddens[i], is_token);
      x = now[i][0];
      if (pass.options.hidden_states) states[i].push_back(x);
    }
    at::Tensor share;
    const at::Tensor made = attend(state.drop_hidden(x).unsqueeze(1), keys, at, state, &combine, &share).squeeze(1);
    fed = is_token.defined() ? at::where(is_token, made, fed) : made;
    rows.push_back(fed);
    if (pass.options.attentions) shares.push_back(share.squeeze(1));
  }
  at.states = flat(now);
  at.fed = fed;
  const at::Tensor all = at::stack(rows, 1);
  if (pass.options.attentions) result.cross_attentions.push_back(at::stack(shares, 1).unsqueeze(1));
  if (pass.options.hidden_states) {
    result.decoder_hidden_states.push_back(words);
    for (size_t i = 0; i + 1 < states.size(); ++i) result.decoder_hidden_states.push_back(at::stack(states[i], 1));
    result.decoder_hidden_states.push_back(all);
  }
  watch(all, pass.options.cancel);
  return all;
}

}  // namespace espalier
