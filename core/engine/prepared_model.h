#pragma once
// A model with every weight packed: what a forward pass reads.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/embedding_table.h"
#include "engine/engine.h"
#include "engine/linear.h"
#include "engine/pass_profile.h"
#include "model/model.h"

namespace espalier {

struct PreparedNorm {
  NormKind kind = NormKind::Layer;
  float epsilon = 0;
  std::vector<float> weight;
  std::vector<float> bias;  // empty for NormKind::Rms
  int part = -1;            // of PreparedModel::parts
};

struct PreparedLinear {
  std::shared_ptr<const Linear> linear;
  std::vector<float> bias;  // empty: none
  int part = -1;            // of PreparedModel::parts

  const float* shift() const { return bias.empty() ? nullptr : bias.data(); }
};

struct PreparedAttention {
  AttentionSpec spec;
  float scale = 1;
  // Self-attention: one linear of three times the width when the three forms agree, else three. Cross-attention: q.
  std::vector<PreparedLinear> query;
  // Cross-attention: k and v, one linear or two. Empty for self-attention.
  std::vector<PreparedLinear> memory;
  PreparedLinear out;
  PreparedNorm norm;
  std::vector<float> relative_bias;  // (buckets, columns), empty without
  int scores_part = -1;
  void (*attend)(const kernels::AttentionArgs& args) = nullptr;  // of Table

  int64_t width() const { return spec.width(); }
};

struct PreparedFeedForward {
  kernels::Activation activation = kernels::Activation::Gelu;
  PreparedLinear in;
  std::optional<PreparedLinear> up;
  PreparedLinear out;
  PreparedNorm norm;
};

// One end of a layer that works narrower than its stack.
struct PreparedBottleneck {
  PreparedLinear linear;
  PreparedNorm norm;
};

struct PreparedLayer {
  bool pre_norm = false;
  int64_t inner = 0;  // width of the residual sums inside: the hidden size unless there is a bottleneck
  PreparedAttention attention;
  std::optional<PreparedAttention> cross;
  std::vector<PreparedFeedForward> blocks;
  std::optional<BottleneckSpec> bottleneck;
  std::optional<PreparedBottleneck> narrow_input, narrow_attention, narrow_output;
};

struct PreparedEmbedding {
  EmbeddingSpec spec;
  int64_t word_width = 0;
  int64_t sum_width = 0;
  std::shared_ptr<const EmbeddingTable> word;
  std::optional<PreparedLinear> project;
  std::vector<float> position;  // (rows, sum_width); empty without positions
  std::vector<float> type;      // (type_vocab, sum_width); empty without types
  std::optional<PreparedNorm> norm;
  int word_part = -1;
  int sum_part = -1;  // of words, positions and types, with the norm
};

struct PreparedStack {
  PreparedEmbedding embedding;
  std::vector<PreparedLayer> layers;
  std::optional<PreparedNorm> final_norm;
};

struct PreparedModel {
  Architecture architecture;
  const kernels::Table* kernels = nullptr;
  KernelSet kernel_set = KernelSet::Best;

  PreparedStack encoder;
  std::optional<PreparedStack> decoder;
  std::optional<PreparedLinear> pooler;
  kernels::Activation head_activation = kernels::Activation::None;
  std::optional<PreparedLinear> head_dense;
  std::optional<PreparedNorm> head_norm;  // masked language model
  std::optional<PreparedLinear> head_out;
  std::optional<PreparedLinear> head_extra;  // reads what head_out leaves

  // The packed linears by the slots that each stands for, for models that differ in a few.
  std::map<std::vector<std::string>, std::shared_ptr<const Linear>> linears;
  std::vector<PlanEntry> plan;
  std::vector<PassPart> parts;
  bool needs_whole_sequences = false;
  // Scratch a row of input needs, over all linears.
  int64_t code_bytes = 0;
  int64_t factor_floats = 0;
  int64_t scratch_bytes = 0;     // for any number of rows, over all linears
  int64_t widest_attention = 0;  // largest heads * head_dim
  int64_t widest_ffn = 0;
  int64_t widest_row = 0;    // of hidden states, embeddings, bottlenecks and what the head makes of them
  int64_t widest_words = 0;  // of what embeddings are projected from
};

// Throws Unsupported naming the slot.
PreparedModel prepare(const Model& model, KernelSet kernels);
// The same with the packed weights of `prepared`, made of `own`, wherever the slots of `model` hold equal values.
PreparedModel prepare_edit(const Model& model, const Model& own, const PreparedModel& prepared);

}  // namespace espalier
