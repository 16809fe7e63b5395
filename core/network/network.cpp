#include "network/network.h"

#include <torch/torch.h>

#include "base/error.h"
#include "network/encoder.h"
#include "network/threads.h"
#include "network/torch_errors.h"

namespace espalier {
namespace {

// Throws Cancelled when the gradient of `x` arrives after the token was cancelled.
void watch(const at::Tensor& x, const CancelToken* cancel) {
  if (cancel == nullptr) return;
  cancel->throw_if_cancelled();
  if (!x.requires_grad()) return;
  x.register_hook([token = *cancel](const at::Tensor&) { token.throw_if_cancelled(); });
}

void check_ids(const at::Tensor& ids, int64_t bound, const char* what) {
  if (ids.numel() == 0) return;
  const auto low = ids.min().item<int64_t>();
  const auto high = ids.max().item<int64_t>();
  if (low >= 0 && high < bound) return;
  throw Error(ErrorKind::InvalidInput, {.what = std::string(what) + " is out of range",
                                        .where = "",
                                        .got = std::to_string(low < 0 ? low : high),
                                        .wanted = "0 to " + std::to_string(bound - 1),
                                        .next = "check that the tokenizer belongs to this model"});
}

at::Device device_named(const std::string& name) {
  const auto refuse = [&](ErrorKind kind, const char* what) -> at::Device {
    throw Error(kind, {.what = what, .where = "", .got = name, .wanted = "cpu", .next = "choose the device cpu"});
  };
  try {
    const at::Device device(name);
    if (device.is_cuda() && !torch::cuda::is_available()) {
      return refuse(ErrorKind::Device, "no CUDA device can be used here");
    }
    return device;
  } catch (const c10::Error&) {
    return refuse(ErrorKind::InvalidInput, "there is no device of this name");
  }
}

}  // namespace

struct Network::Impl {
  Impl(const Model& model_in, NetworkOptions options_in)
      : model(model_in), options(std::move(options_in)), device(device_named(options.device)) {
    use_all_processors();
    for (const std::string& slot : model.weights.unique_slots()) {
      const WeightHandle handle = model.weights.handle(slot);
      const bool sparse = options.sparse_word_gradient && slot == "embeddings.word.weight" &&
                          model.weights.slots_of(handle).size() == 1;
      weights[handle] = make_parametrization(
          model.weights.at(slot), {.device = options.device, .float64 = options.float64, .sparse_rows = sparse});
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
  NormModule norm(const std::string& module) const {
    return {place(module + ".weight"), place(module + ".bias"), model.architecture.norm_epsilon};
  }

  void wire() {
    const Architecture& a = model.architecture;
    embedding = {place("embeddings.word.weight"), find("embeddings.position.weight"), find("embeddings.type.weight"),
                 norm("embeddings.norm")};
    for (size_t i = 0; i < a.layers.size(); ++i) {
      const std::string attention = "encoder." + std::to_string(i) + ".attention.";
      const std::string ffn = "encoder." + std::to_string(i) + ".ffn.";
      LayerModule layer;
      layer.placement = a.layers[i].norm;
      layer.attention = {a.layers[i].attention,        linear(attention + "q_proj"),   linear(attention + "k_proj"),
                         linear(attention + "v_proj"), linear(attention + "out_proj"), norm(attention + "norm")};
      layer.ffn = {a.layers[i].ffn, linear(ffn + "in_proj"), linear(ffn + "out_proj"), norm(ffn + "norm")};
      layers.push_back(layer);
    }
    head.kind = a.head.kind;
    if (!a.layers.empty()) head.activation = a.layers.back().ffn.activation;
    if (a.has_pooler) head.pooler = linear("pooler.dense");
    if (head.kind != HeadKind::None) head.out = linear("head.out");
    if (head.kind == HeadKind::MaskedLm) {
      head.dense = linear("head.dense");
      head.norm = norm("head.norm");
    }
  }

  void check(const NetworkBatch& batch) const {
    const EmbeddingSpec& spec = model.architecture.embedding;
    if (embedding.position != nullptr && batch.input_ids.size(1) > spec.max_positions) {
      throw Error(ErrorKind::InvalidInput, {.what = "a sequence is longer than the position table",
                                            .where = "",
                                            .got = std::to_string(batch.input_ids.size(1)) + " tokens",
                                            .wanted = "at most " + std::to_string(spec.max_positions),
                                            .next = "set a shorter maximum length"});
    }
    check_ids(batch.input_ids, spec.vocab_size, "a token id");
    if (embedding.type != nullptr) check_ids(batch.token_type_ids, spec.type_vocab_size, "a token type");
  }

  Model model;
  NetworkOptions options;
  at::Device device;
  std::map<WeightHandle, std::shared_ptr<Parametrization>> weights;
  EmbeddingModule embedding;
  std::vector<LayerModule> layers;
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
    ForwardState state = net.state;
    state.dropout = &net.dropout;
    if (batch.attention_mask.defined() && !batch.attention_mask.all().item<bool>()) {
      state.token_mask = batch.attention_mask;
    }

    ForwardResult result;
    const at::Tensor words =
        options.word_embeddings != nullptr ? *options.word_embeddings : (*net.embedding.word)->rows(batch.input_ids);
    at::Tensor hidden = net.embedding(words, batch, state);
    for (size_t i = 0; i < net.layers.size(); ++i) {
      if (options.hidden_states) result.hidden_states.push_back(hidden);
      watch(hidden, options.cancel);
      const at::Tensor head_gate = options.head_gates != nullptr ? options.head_gates->at(i) : at::Tensor();
      const at::Tensor unit_gate = options.unit_gates != nullptr ? options.unit_gates->at(i) : at::Tensor();
      const bool gated_by_token =
          (head_gate.defined() && head_gate.dim() == 3) || (unit_gate.defined() && unit_gate.dim() == 3);
      const bool first_only = i + 1 == net.layers.size() && net.head.reads_first_token_only() &&
                              !options.hidden_states && !options.attentions && !gated_by_token &&
                              net.layers[i].rows_independent();
      at::Tensor probabilities;
      hidden =
          net.layers[i](hidden, head_gate, unit_gate, first_only, options.attentions ? &probabilities : nullptr, state);
      if (options.attentions) result.attentions.push_back(probabilities);
    }
    if (options.hidden_states) result.hidden_states.push_back(hidden);
    watch(hidden, options.cancel);
    result.logits = net.head(hidden, state);
    return result;
  });
}

at::Tensor Network::word_embeddings(const at::Tensor& input_ids) {
  return with_torch_errors("word embeddings", [&] {
    check_ids(input_ids, impl_->model.architecture.embedding.vocab_size, "a token id");
    return (*impl_->embedding.word)->rows(input_ids);
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
  return with_torch_errors("reading the network back", [&] {
    Model model = impl_->model;
    for (const std::string& slot : model.weights.unique_slots()) {
      model.weights.replace(slot, impl_->weights.at(model.weights.handle(slot))->finish());
    }
    return model;
  });
}

const Architecture& Network::architecture() const { return impl_->model.architecture; }
const std::string& Network::device() const { return impl_->options.device; }

}  // namespace espalier
