#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "model/model.h"
#include "text/encoding.h"

namespace espalier {

// Best: what this processor runs fastest. Vector: without a matrix unit (AMX) in kernels of ours. Avx2: our kernels as
// on a processor without AVX-512 (float products stay with oneDNN). Reference: plain loops for everything, the meaning
// of every kernel.
enum class KernelSet { Best, Vector, Avx2, Reference };

struct EngineOptions {
  int threads = 0;  // 0: as many as there are cores
  KernelSet kernels = KernelSet::Best;
};

struct PassPart;
struct PassProfile;

struct EngineRequest {
  bool hidden_states = false;  // embeddings and the output of every layer
  bool attentions = false;
  PassProfile* profile = nullptr;  // gets the time of every part (pass_profile.h)
};

struct EngineOutput {
  // Classification, Regression: (B, num_labels). TokenClassification, MaskedLm, LanguageModel, ReplacedToken: (T,
  // num_labels or vocab), of a model with a decoder for the tokens of the target. QuestionAnswering: (T, 2) start and
  // end. No head: (B, hidden) pooled, or empty. Always F32.
  Tensor logits;
  std::vector<Tensor> hidden_states;            // layers + 1 of (T, hidden), when asked for
  std::vector<std::vector<Tensor>> attentions;  // [layer][sequence] (heads, n, n), when asked for
  // The same of the decoder, and its attention to the m tokens of the source: [layer][sequence] (heads, n, m).
  std::vector<Tensor> decoder_hidden_states;
  std::vector<std::vector<Tensor>> decoder_attentions;
  std::vector<std::vector<Tensor>> cross_attentions;
};

// One line of what the engine made of a weight: "encoder.0.attention.out_proj", "int8 dynamic per token, oneDNN".
struct PlanEntry {
  std::string slot;    // "qkv_proj" stands for q_proj, k_proj and v_proj that became one product
  std::string kernel;  // ends in ", shared" when an earlier entry holds the weight
  // Memory that the engine made for it: packed weights. 0 when shared, and for an embedding whose rows are read from
  // the model's own (mapped) tensor.
  int64_t resident_bytes = 0;
  // Multiplications of one row, those by zeros that the kernel does not leave out counted; 0 for rows looked up.
  int64_t multiplications = 0;
  std::vector<std::string> weights = {};  // slots of the model that it stands for; none for positions by formula
};

// Whether there are kernels for every layer: recurrent ones run on libtorch only.
bool engine_runs(const Architecture& architecture);

// A model made ready to run. Activations of quantized weights are quantized as their ActivationRange says: code =
// round(x * 127 / range) in [-127, 127], products exact in int32; the pooler and the heads on first tokens see one row
// a sequence, so their range is that row's. Softmax, norms and activation functions are float32. run() may be called by
// many threads at once; each call uses up to `threads` threads.
class Engine {
 public:
  // Packs the weights. Throws Unsupported naming the slot and form that it cannot run.
  explicit Engine(const Model& model, EngineOptions options = {});
  ~Engine();
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  // An engine for `edited` with this one's options that shares every packed weight whose values are still those of
  // `own`, the model that this engine was made of, under the same slots; only the others are packed. Throws as the
  // constructor does.
  Engine for_edit(const Model& own, const Model& edited) const;

  // Throws InvalidInput for ids out of range, empty sequences, sequences longer than the position table.
  EngineOutput run(const PackedBatch& batch, const EngineRequest& request = {}) const;
  // The logits from a state that an earlier pass left: `states` (T, hidden) float32, row-major, is the input of
  // `layer`, hidden_states[layer] of a run of the same batch. layer 0 to the number of layers, with which the head
  // alone runs (and no final norm: hidden_states has it). The same bits as a run of everything where those states are
  // the model's own. Throws InvalidInput for a model with a decoder, a layer out of range, a wrong number of states.
  EngineOutput run_from(LayerIndex layer, std::span<const float> states, const PackedBatch& batch) const;
  // The same of a model with a decoder, which reads `target`, one sequence for each of `source`.
  EngineOutput run(const PackedBatch& source, const PackedBatch& target, const EngineRequest& request = {}) const;

  // Continues each prompt, or each source from the decoder's start token, by greedy or beam search. The result holds
  // the prompt (or start token) and ends with the token that ended it. Keys and values of earlier tokens are kept.
  // `profile`, when given, gets the time of every pass. Throws InvalidInput for a model without a language model's
  // head; Cancelled.
  std::vector<std::vector<TokenId>> generate(const PackedBatch& batch, const GenerationSpec& spec,
                                             const CancelToken& cancel = {}, PassProfile* profile = nullptr) const;

  int threads() const;
  std::vector<PlanEntry> plan() const;
  // What a pass is timed by: a part for every line of the plan, and those that no weight has.
  const std::vector<PassPart>& parts() const;

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

// What this machine offers: "avx512 vnni", oneDNN version. For `doctor` and for the conditions of every figure.
struct KernelInfo {
  std::string instruction_set;
  std::string onednn_version;
  std::string cpu_model;
  int cores = 0;
};
KernelInfo kernel_info();

}  // namespace espalier
