#pragma once
// A Model as torch modules.

#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/model.h"
#include "text/encoding.h"

namespace espalier {

// A padded batch on the network's device.
struct NetworkBatch {
  at::Tensor input_ids;       // (B, S) int64
  at::Tensor token_type_ids;  // (B, S) int64
  at::Tensor attention_mask;  // (B, S) int64, 1 for tokens
};

NetworkBatch make_network_batch(const std::vector<const Encoding*>& encodings, TokenId pad_id,
                                const std::string& device);

// What to compute beside the logits, and handles to intervene by.
struct ForwardOptions {
  bool hidden_states = false;
  bool attentions = false;
  // (heads) gate of every layer multiplied on the head's context vectors: importance and masking of heads.
  const std::vector<at::Tensor>* head_gates = nullptr;
  // (width) gate of every layer multiplied on the feed-forward activations: importance of units.
  const std::vector<at::Tensor>* unit_gates = nullptr;
  // Word embeddings (B, S, hidden) that replace the look-up: saliency, mixing.
  const at::Tensor* word_embeddings = nullptr;
};

struct ForwardResult {
  at::Tensor logits;                      // (B, labels); (B, S, labels or vocab or 2) for token-wise heads
  std::vector<at::Tensor> hidden_states;  // layers + 1 of (B, S, hidden)
  std::vector<at::Tensor> attentions;     // layers of (B, heads, S, S)
};

// Stands between a stored weight and the multiplication while training: a mask, factors, a fake quantizer.
class Parametrization {
 public:
  virtual ~Parametrization() = default;
  // The weight that is multiplied by, (out, in); differentiable in parameters().
  virtual at::Tensor effective() = 0;
  // What an optimizer changes, by a short name ("values", "left").
  virtual std::map<std::string, at::Tensor> parameters() = 0;
  // Folds into a stored form; exact: logits before and after agree to the bit of the multiplication.
  virtual Weight finish() = 0;
  // y = x W^T + bias; the default multiplies by effective().
  virtual at::Tensor linear(const at::Tensor& x, const at::Tensor& bias);
};

struct NetworkOptions {
  std::string device = "cpu";
  bool float64 = false;  // double precision, for tests of exact properties
};

// Not thread-safe. Weights that share a handle in the model are one parameter here.
class Network {
 public:
  explicit Network(const Model& model, NetworkOptions options = {});
  ~Network();
  Network(Network&&) noexcept;
  Network& operator=(Network&&) noexcept;

  ForwardResult forward(const NetworkBatch& batch, const ForwardOptions& options = {});
  // Token embedding look-up alone (B, S, hidden), before position, type and norm.
  at::Tensor word_embeddings(const at::Tensor& input_ids);

  void train(bool on);  // dropout on or off; off at first
  // Trainable tensors by slot name (first slot of a shared weight), "slot#left" for parts of a parametrization.
  // Quantized weights are frozen and not listed.
  std::map<std::string, at::Tensor> parameters();

  // Puts a parametrization at a slot (every slot that shares its weight).
  using ParametrizationFactory = std::function<std::unique_ptr<Parametrization>(const Weight& weight)>;
  void parametrize(const std::string& slot, const ParametrizationFactory& make);

  // The model with the current values: same architecture, forms finished, provenance of the model it came from.
  Model to_model() const;

  const Architecture& architecture() const;
  const std::string& device() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Between plain and torch tensors. from_plain copies (F32, F64 and integers keep their type, F16 and BF16 become F32).
at::Tensor to_torch(const Tensor& tensor);
Tensor from_torch(const at::Tensor& tensor);

}  // namespace espalier
