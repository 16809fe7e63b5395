#pragma once
// A Model as torch modules.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "model/model.h"
#include "network/parametrization.h"
#include "text/encoding.h"

namespace espalier {

// What is known of a batch on the processor's side, so that nothing is read back from a GPU to check it.
struct BatchFacts {
  int64_t lowest_id = 0, highest_id = 0;
  int64_t lowest_type = 0, highest_type = 0;
  bool padded = true;
};

// A padded batch on the network's device. B sequences, S tokens of the longest.
struct NetworkBatch {
  at::Tensor input_ids;       // (B, S) int64
  at::Tensor token_type_ids;  // (B, S) int64
  at::Tensor attention_mask;  // (B, S) int64, 1 for tokens
  // What the decoder reads, (B, T) int64 each; undefined for a model without one. An undefined mask: no padding.
  at::Tensor decoder_input_ids = {};
  at::Tensor decoder_attention_mask = {};
  std::optional<BatchFacts> facts = {};  // of what the encoder reads; none: looked up in the tensors
};

// Throws InvalidInput when there is no sequence or an empty one.
NetworkBatch make_network_batch(const std::vector<const Encoding*>& encodings, TokenId pad_id,
                                const std::string& device);

// What a recurrent model carries from one token to the next. B sequences.
struct RecurrentState {
  std::vector<at::Tensor> states;  // of the stack that writes, layer by layer: hidden (B, width), and an LSTM's cell
  at::Tensor fed;                  // (B, hidden) the row that input feeding gives to the next step, or undefined
  at::Tensor memory;               // (B, M, width) the encoder's rows; undefined without a decoder
  at::Tensor memory_mask;          // (B, M), 1 for tokens; undefined when no source is padded
};

// What to compute beside the logits, and handles to intervene by.
struct ForwardOptions {
  bool hidden_states = false;
  bool attentions = false;
  // Gate of every layer multiplied on the heads' context vectors, (heads), (B, heads) or (B, heads, S): importance and
  // masking of heads; undefined: open. The wider shapes give each example's or token's gradient in one backward pass.
  const std::vector<at::Tensor>* head_gates = nullptr;
  // Gate of every layer multiplied on the feed-forward activations, (width), (B, width) or (B, S, width).
  const std::vector<at::Tensor>* unit_gates = nullptr;
  // Gate of every layer between what it is given (0: the layer is gone) and what it makes of that (1), (1) or (B).
  const std::vector<at::Tensor>* layer_gates = nullptr;
  bool unit_activations = false;
  // Word embeddings (B, S, hidden) that replace the look-up: saliency, mixing.
  const at::Tensor* word_embeddings = nullptr;
  // Looked at between layers, on the way back too: Cancelled comes out of forward or of the backward pass. The token
  // must outlive the backward pass.
  const CancelToken* cancel = nullptr;
  // Go on from here, not from zeros: of a recurrent model that reads left to right, or of a recurrent decoder, whose
  // encoder then does not run. InvalidInput for other models.
  const RecurrentState* recurrent_state = nullptr;
};

struct ForwardResult {
  // (B, labels) for Classification and Regression; (B, S, labels, vocab or 2) for token-wise heads; (B, T, vocab) of a
  // decoder; without a head the pooled (B, hidden), or undefined without a pooler.
  at::Tensor logits;
  // layers + 1 of (B, S, hidden), the last one behind the final norm; of recurrent layers each of its own width.
  std::vector<at::Tensor> hidden_states;
  std::vector<at::Tensor> attentions;        // layers of (B, heads, S, S), before dropout
  std::vector<at::Tensor> unit_activations;  // layers of (B, S, width), what the second linear of the block reads
  // The same of the decoder, and its attention to the encoder (B, heads, T, S), one head of a recurrent decoder.
  std::vector<at::Tensor> decoder_hidden_states;
  std::vector<at::Tensor> decoder_attentions;
  std::vector<at::Tensor> cross_attentions;
  RecurrentState recurrent_state;  // behind the last token, where recurrent_state may be given
};

struct NetworkOptions {
  Placement placement;  // Float64: for tests of exact properties
  // The gradient of the word table as a sparse (V, hidden) tensor of the rows that a batch looked up, unless the table
  // is used elsewhere too: a dense one costs a tenth of a training step for its zeros.
  bool sparse_word_gradient = false;
  // Attention, norms of sums and recurrent layers by our own loops where they apply (on the CPU; float32 but for the
  // last; attention without gates or probabilities asked for), and attention elsewhere by libtorch's own (which does
  // not train). They have a first derivative only; off, these are made of libtorch's operations. Linears and GELU
  // (oneDNN, a loop of ours) have every derivative and do not ask.
  bool fused = true;
};

// Not thread-safe. Weights that share a handle in the model are one parameter here.
class Network {
 public:
  explicit Network(const Model& model, NetworkOptions options = {});
  ~Network();
  Network(Network&&) noexcept;
  Network& operator=(Network&&) noexcept;

  // Throws InvalidInput for ids out of range and sequences longer than the position table. Results are on the network's
  // device and in its precision.
  ForwardResult forward(const NetworkBatch& batch, const ForwardOptions& options = {});
  // Continues a prompt, or a source from the decoder's start token, by greedy or beam search: the plain meaning of
  // Engine::generate, which computes every token anew at every step (a recurrent model goes on from its states). Throws
  // what that throws.
  std::vector<TokenId> generate(const std::vector<TokenId>& ids, const GenerationSpec& spec,
                                const CancelToken& cancel = {});
  // Token embedding look-up alone (B, S, hidden), before position, type and norm.
  at::Tensor word_embeddings(const at::Tensor& input_ids);

  void train(bool on);  // dropout on or off; off at first
  // Probabilities of dropout in place of the architecture's.
  void set_dropout(double hidden, double attention);
  // Starts the stream of dropout masks anew: the same seed gives the same masks, whatever the number of threads.
  void seed_dropout(uint64_t seed);

  // Trainable tensors by slot name (first slot of a shared weight), "slot#left" for parts of a parametrization.
  // Quantized weights are frozen and not listed.
  std::map<std::string, at::Tensor> parameters();

  // Puts a parametrization at a slot (every slot that shares its weight). `make` gets the weight as it is now.
  using ParametrizationFactory = std::function<std::unique_ptr<Parametrization>(const Weight& weight)>;
  void parametrize(const std::string& slot, const ParametrizationFactory& make);

  // The model with the current values: same architecture, forms finished, provenance of the model it came from. A
  // weight that did not change keeps its stored form and element type. Throws Unsupported of a network in 16 bits,
  // whose weights are rounded.
  Model to_model() const;

  const Architecture& architecture() const;
  const Placement& placement() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Between plain and torch tensors. to_torch copies (F32, F64 and integers keep their type, F16 and BF16 become F32).
at::Tensor to_torch(const Tensor& tensor);
Tensor from_torch(const at::Tensor& tensor);

}  // namespace espalier
