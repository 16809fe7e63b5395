#include "network/network.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/error.h"
#include "model/positions.h"
#include "network/modules.h"
#include "network/recurrent.h"
#include "network/scalar_type.h"
#include "network/threads.h"
#include "network/torch_errors.h"

namespace espalier {
namespace {

void check_range(int64_t low, int64_t high, int64_t bound, const char* what) {
  if (low >= 0 && high < bound) return;
  throw Error(ErrorKind::InvalidInput, {.what = std::string(what) + " is out of range",
                                        .where = "",
                                        .got = std::to_string(low < 0 ? low : high),
                                        .wanted = "0 to " + std::to_string(bound - 1),
                                        .next = "check that the tokenizer belongs to this model"});
}

void check_ids(const at::Tensor& ids, int64_t bound, const char* what) {
  if (ids.numel() > 0) check_range(ids.min().item<int64_t>(), ids.max().item<int64_t>(), bound, what);
}

// Whether a weight and what it multiplies are both stored as codes, or those of a factor are.
bool multiplies_codes(const Weight& weight) {
  if (const auto* low_rank = weight.as<LowRank>()) {
    return multiplies_codes(*low_rank->left) || multiplies_codes(*low_rank->right);
  }
  const auto* quantized = weight.as<Quantized>();
  return quantized != nullptr && quantized->activations != ActivationRange::Float;
}

// A figure named int8 of a model that has nothing in codes would be one of other numbers.
void require_codes(const Model& model) {
  const std::vector<std::string> slots = model.weights.unique_slots();
  if (std::ranges::any_of(slots, [&](const std::string& slot) { return multiplies_codes(model.weights.at(slot)); })) {
    return;
  }
  throw Error(ErrorKind::InvalidInput, {.what = "the model has no linear to multiply in integers",
                                        .where = display_name(model),
                                        .got = "int8",
                                        .wanted = "weights and inputs in 8 bits or fewer",
                                        .next = "apply quantize.q8 first, or choose another precision"});
}

bool is_padded(const at::Tensor& mask, const std::optional<BatchFacts>& facts) {
  if (!mask.defined()) return false;
  return facts ? facts->padded : !mask.all().item<bool>();
}

}  // namespace

struct Network::Impl {
  Impl(const Model& model_in, NetworkOptions options_in) : model(model_in), options(std::move(options_in)) {
    require_usable(options.placement);
    if (options.placement.precision == Precision::Int8) require_codes(model);
    use_all_processors();
    for (const std::string& slot : model.weights.unique_slots()) {
      const WeightHandle handle = model.weights.handle(slot);
      const bool sparse = options.sparse_word_gradient && slot == "embeddings.word.weight" &&
                          model.weights.slots_of(handle).size() == 1;
      weights[handle] =
          make_parametrization(model.weights.at(slot), {.placement = options.placement, .sparse_rows = sparse});
    }
    state.fused = options.fused;
    state.hidden_dropout = model.architecture.hidden_dropout;
    state.attention_dropout = model.architecture.attention_dropout;
    wire();
  }

  Place find(const std::string& slot) const {
    return model.weights.contains(slot) ? &weights.at(model.weights.handle(slot)) : nullptr;
  }
  Place place(const std::string& slot) const {
    model.weights.at(slot);  // names the slot when it is not bound
    return find(slot);
  }
  LinearModule linear(const std::string& module) const { return {place(module + ".weight"), find(module + ".bias")}; }
  NormModule norm(const std::string& module, double epsilon = 0) const {
    const Architecture& a = model.architecture;
    return {place(module + ".weight"), find(module + ".bias"), a.norm_kind, epsilon > 0 ? epsilon : a.norm_epsilon};
  }
  AttentionModule attention(const std::string& module, const AttentionSpec& spec) const {
    return {spec,
            linear(module + ".q_proj"),
            linear(module + ".k_proj"),
            linear(module + ".v_proj"),
            linear(module + ".out_proj"),
            norm(module + ".norm"),
            find(module + ".relative_bias.weight")};
  }
  FeedForwardModule feed_forward(const std::string& module, const FeedForwardSpec& spec) const {
    return {spec, linear(module + ".in_proj"), spec.gated ? linear(module + ".up_proj") : LinearModule{},
            linear(module + ".out_proj"), norm(module + ".norm", spec.norm_epsilon)};
  }
  BottleneckModule bottleneck(const std::string& module) const { return {linear(module), norm(module + ".norm")}; }

  EmbeddingModule make_embedding(Stack stack) const {
    const std::string at = std::string(embeddings_of(stack)) + ".";
    EmbeddingModule made;
    made.spec = embedding_spec(model.architecture, stack);
    made.word = place(at + "word.weight");
    made.position = find(at + "position.weight");
    made.type = find(at + "type.weight");
    if (made.spec.projection != Projection::None) made.project = linear(at + "project");
    if (made.spec.norm) made.norm = norm(at + "norm", made.spec.norm_epsilon);
    if (made.spec.positions == PositionKind::Sinusoidal || made.spec.positions == PositionKind::SinusoidalHalves) {
      const int64_t rows = made.spec.max_positions + made.spec.position_offset;
      const int64_t width = embedding_sum_width(made.spec, model.architecture.hidden_size);
      made.fixed_positions = to_torch(Tensor::from({rows, width}, sinusoidal_table(made.spec.positions, rows, width)))
                                 .to(at::Device(options.placement.device), scalar_type_of(options.placement));
    }
    return made;
  }

  LayerModule make_layer(const std::string& at, const LayerSpec& spec) const {
    LayerModule layer;
    layer.spec = spec;
    layer.attention = attention(at + "attention", spec.attention);
    if (spec.cross) layer.cross = attention(at + "cross_attention", *spec.cross);
    for (size_t i = 0; i < spec.stacked.size(); ++i) {
      layer.stacked.push_back(feed_forward(at + "ffn." + std::to_string(i), spec.stacked[i]));
    }
    layer.ffn = feed_forward(at + "ffn", spec.ffn);
    if (spec.bottleneck) {
      layer.narrow_input = bottleneck(at + "bottleneck.input");
      if (spec.bottleneck->shared) layer.narrow_attention = bottleneck(at + "bottleneck.attention");
      layer.narrow_output = bottleneck(at + "bottleneck.output");
    }
    return layer;
  }

  StackModule make_stack(Stack which) const {
    StackModule made;
    made.embedding = make_embedding(which);
    if (model.architecture.is_recurrent()) return made;
    const std::vector<LayerSpec>& specs = layer_specs(model.architecture, which);
    const std::string name(to_string(which));
    for (size_t i = 0; i < specs.size(); ++i) {
      made.layers.push_back(make_layer(name + "." + std::to_string(i) + ".", specs[i]));
    }
    if (model.architecture.final_norm && !specs.empty()) made.final_norm = norm(name + ".norm");
    return made;
  }

  void wire() {
    const Architecture& a = model.architecture;
    encoder = make_stack(Stack::Encoder);
    if (a.has_decoder()) decoder = make_stack(Stack::Decoder);
    if (a.is_recurrent()) recurrent.emplace(a, [&](const std::string& module) { return linear(module); });
    head.spec = a.head;
    head.activation = head_activation(a);
    if (a.has_pooler) head.pooler = linear("pooler.dense");
    if (a.head.kind == HeadKind::None) return;
    head.out = linear("head.out");
    head.extra = {find("head.extra.weight"), nullptr};
    head.out_width = embedding_word_width(a.embedding, a.hidden_size);
    if (find("head.dense.weight") != nullptr) head.dense = linear("head.dense");
    if (a.head.kind == HeadKind::MaskedLm) {
      head.norm = norm("head.norm");
      head.norm.kind = NormKind::Layer;
    }
  }

  static void check_length(const at::Tensor& ids, const EmbeddingSpec& spec) {
    if (ids.size(1) <= spec.max_positions) return;
    throw Error(ErrorKind::InvalidInput, {.what = "a sequence is longer than the position table",
                                          .where = "",
                                          .got = std::to_string(ids.size(1)) + " tokens",
                                          .wanted = "at most " + std::to_string(spec.max_positions),
                                          .next = "set a shorter maximum length"});
  }

  void check(const NetworkBatch& batch) const {
    const EmbeddingSpec& spec = model.architecture.embedding;
    check_length(batch.input_ids, spec);
    const bool typed = encoder.embedding.type != nullptr;
    const char* const type = "a token type";
    if (const std::optional<BatchFacts>& facts = batch.facts) {
      check_range(facts->lowest_id, facts->highest_id, spec.vocab_size, "a token id");
      if (typed) check_range(facts->lowest_type, facts->highest_type, spec.type_vocab_size, type);
    } else {
      check_ids(batch.input_ids, spec.vocab_size, "a token id");
      if (typed) check_ids(batch.token_type_ids, spec.type_vocab_size, type);
    }
    if (!model.architecture.has_decoder()) return;
    if (!batch.decoder_input_ids.defined()) {
      throw Error(ErrorKind::InvalidInput, {.what = "the model has a decoder and the batch nothing for it to read",
                                            .where = "decoder_input_ids",
                                            .got = "",
                                            .wanted = "token ids (B, T)",
                                            .next = "give the tokens of the target"});
    }
    check_length(batch.decoder_input_ids, decoder.embedding.spec);
    check_ids(batch.decoder_input_ids, decoder.embedding.spec.vocab_size, "a token id of the decoder");
  }

  // The forward state of a stack whose tokens have this mask.
  ForwardState state_for(const at::Tensor& mask, const std::optional<BatchFacts>& facts = {}) {
    ForwardState made = state;
    made.dropout = &dropout;
    if (is_padded(mask, facts)) made.token_mask = mask;
    return made;
  }

  ForwardResult run_recurrent(const NetworkBatch& batch, const ForwardOptions& asked) {
    if (asked.head_gates != nullptr || asked.unit_gates != nullptr || asked.layer_gates != nullptr) {
      throw Error(ErrorKind::Unsupported, {.what = "gates stand on the layers of a Transformer, their heads and units",
                                           .where = display_name(model),
                                           .got = "recurrent layers, which have neither",
                                           .wanted = "a Transformer",
                                           .next = ""});
    }
    ForwardState source = state_for(batch.attention_mask, batch.facts),
                 target = state_for(batch.decoder_attention_mask);
    source.cancel = target.cancel = asked.cancel;
    return (*recurrent)({batch, asked, encoder.embedding, decoder.embedding, head, source, target});
  }

  // What the layers of a stack leave behind as they run.
  struct StackTrace {
    std::vector<at::Tensor>&hidden_states, &attentions, &cross_attentions, &unit_activations;
  };

  // Runs the layers of a stack; what `options` ask for goes to `trace`.
  at::Tensor run(const StackModule& stack, at::Tensor hidden, const ForwardOptions& asked, const ForwardState& own,
                 const StackTrace& trace) const {
    const bool gates = &stack == &encoder;
    for (size_t i = 0; i < stack.layers.size(); ++i) {
      if (asked.hidden_states) trace.hidden_states.push_back(hidden);
      watch(hidden, asked.cancel);
      LayerTaps taps;
      if (gates && asked.head_gates != nullptr) taps.head_gate = asked.head_gates->at(i);
      if (gates && asked.unit_gates != nullptr) taps.unit_gate = asked.unit_gates->at(i);
      const bool gated_by_token = (taps.head_gate.defined() && taps.head_gate.dim() == 3) ||
                                  (taps.unit_gate.defined() && taps.unit_gate.dim() == 3);
      const bool first_only = gates && !model.architecture.has_decoder() && i + 1 == stack.layers.size() &&
                              head.reads_first_token_only() && !asked.hidden_states && !asked.attentions &&
                              !asked.unit_activations && !gated_by_token && stack.layers[i].rows_independent();
      at::Tensor probabilities, cross_probabilities, units;
      if (asked.attentions) {
        taps.probabilities = &probabilities;
        taps.cross_probabilities = &cross_probabilities;
      }
      if (gates && asked.unit_activations) taps.units = &units;
      const at::Tensor given = hidden;
      hidden = stack.layers[i](hidden, first_only, taps, own);
      if (gates && asked.layer_gates != nullptr && asked.layer_gates->at(i).defined()) {
        const at::Tensor kept = first_only ? given.narrow(1, 0, 1) : given;
        hidden = kept + asked.layer_gates->at(i).view({-1, 1, 1}) * (hidden - kept);
      }
      if (units.defined()) trace.unit_activations.push_back(units);
      if (!asked.attentions) continue;
      trace.attentions.push_back(probabilities);
      if (cross_probabilities.defined()) trace.cross_attentions.push_back(cross_probabilities);
    }
    if (stack.final_norm.weight != nullptr) hidden = stack.final_norm(hidden);
    if (asked.hidden_states) trace.hidden_states.push_back(hidden);
    watch(hidden, asked.cancel);
    return hidden;
  }

  Model model;
  NetworkOptions options;
  std::map<WeightHandle, std::shared_ptr<Parametrization>> weights;
  StackModule encoder, decoder;  // embeddings alone where layers are recurrent
  std::optional<RecurrentNetwork> recurrent;
  HeadModule head;
  ForwardState state;
  DropoutStream dropout;
};

Network::Network(const Model& model, NetworkOptions options)
    : impl_(with_torch_errors("building the network", [&] { return std::make_unique<Impl>(model, options); })) {}
Network::~Network() = default;
Network::Network(Network&&) noexcept = default;
Network& Network::operator=(Network&&) noexcept = default;

ForwardResult Network::forward(const NetworkBatch& batch, const ForwardOptions& options) {
  return with_torch_errors("forward pass", [&] {
    Impl& net = *impl_;
    net.check(batch);
    if (net.recurrent) return net.run_recurrent(batch, options);
    if (options.recurrent_state != nullptr) {
      throw Error(ErrorKind::InvalidInput, "a Transformer has no recurrent state to go on from");
    }
    ForwardResult result;
    const ForwardState state = net.state_for(batch.attention_mask, batch.facts);
    const at::Tensor words = options.word_embeddings != nullptr ? *options.word_embeddings
                                                                : (*net.encoder.embedding.word)->rows(batch.input_ids);
    at::Tensor hidden = net.encoder.embedding(words, batch.input_ids, batch.token_type_ids, state);
    hidden = net.run(net.encoder, hidden, options, state,
                     {result.hidden_states, result.attentions, result.cross_attentions, result.unit_activations});
    if (!net.model.architecture.has_decoder()) {
      result.logits = net.head(hidden, state);
      return result;
    }
    ForwardState decoding = net.state_for(batch.decoder_attention_mask);
    decoding.memory = hidden;
    decoding.memory_mask = state.token_mask;
    const at::Tensor& targets = batch.decoder_input_ids;
    at::Tensor read = net.decoder.embedding((*net.decoder.embedding.word)->rows(targets), targets, {}, decoding);
    read = net.run(
        net.decoder, read, options, decoding,
        {result.decoder_hidden_states, result.decoder_attentions, result.cross_attentions, result.unit_activations});
    if (net.model.architecture.head.kind != HeadKind::None) result.logits = net.head(read, decoding);
    return result;
  });
}

at::Tensor Network::word_embeddings(const at::Tensor& input_ids) {
  return with_torch_errors("word embeddings", [&] {
    check_ids(input_ids, impl_->model.architecture.embedding.vocab_size, "a token id");
    return (*impl_->encoder.embedding.word)->rows(input_ids);
  });
}

void Network::train(bool on) { impl_->state.training = on; }

void Network::set_dropout(double hidden, double attention) {
  impl_->state.hidden_dropout = hidden;
  impl_->state.attention_dropout = attention;
}

void Network::seed_dropout(uint64_t seed) { impl_->dropout.seed(seed); }

std::map<std::string, at::Tensor> Network::parameters() {
  std::map<std::string, at::Tensor> all;
  for (const std::string& slot : impl_->model.weights.unique_slots()) {
    for (const auto& [name, tensor] : impl_->weights.at(impl_->model.weights.handle(slot))->parameters()) {
      all[name == "values" ? slot : slot + "#" + name] = tensor;
    }
  }
  return all;
}

void Network::parametrize(const std::string& slot, const ParametrizationFactory& make) {
  with_torch_errors("parametrizing " + slot, [&] {
    std::shared_ptr<Parametrization>& at_slot = impl_->weights.at(impl_->model.weights.handle(slot));
    at_slot = make(at_slot->finish());
  });
}

Model Network::to_model() const {
  if (is_narrow(impl_->options.placement.precision)) {
    throw Error(ErrorKind::Unsupported, {.what = "a network in 16 bits or fewer holds rounded weights",
                                         .where = display_name(impl_->model),
                                         .got = std::string(to_string(impl_->options.placement.precision)),
                                         .wanted = "float32",
                                         .next = "compute in float32 what is to be kept"});
  }
  return with_torch_errors("reading the network back", [&] {
    Model model = impl_->model;
    for (const std::string& slot : model.weights.unique_slots()) {
      model.weights.replace(slot, impl_->weights.at(model.weights.handle(slot))->finish());
    }
    return model;
  });
}

const Architecture& Network::architecture() const { return impl_->model.architecture; }
const Placement& Network::placement() const { return impl_->options.placement; }

}  // namespace espalier
