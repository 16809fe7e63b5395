#pragma once
// A model with every weight packed: what a forward pass reads.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/embedding_table.h"
#include "engine/engine.h"
#include "engine/linear.h"
#include "model/model.h"

namespace espalier {

struct PreparedNorm {
  std::vector<float> weight;
  std::vector<float> bias;
};

struct PreparedLinear {
  std::shared_ptr<const Linear> linear;
  std::vector<float> bias;
};

struct PreparedLayer {
  int64_t num_heads = 0;
  int64_t head_dim = 0;
  kernels::Activation activation = kernels::Activation::Gelu;
  // One linear of three times the width when the three forms agree, else three.
  std::vector<PreparedLinear> qkv;
  PreparedLinear attention_out;
  PreparedNorm attention_norm;
  PreparedLinear ffn_in;
  PreparedLinear ffn_out;
  PreparedNorm ffn_norm;

  int64_t width() const { return num_heads * head_dim; }
};

struct PreparedModel {
  Architecture architecture;
  const kernels::Table* kernels = nullptr;

  std::unique_ptr<EmbeddingTable> word;
  std::vector<float> position;  // (max_positions, hidden)
  std::vector<float> type;      // (type_vocab, hidden); empty without types
  PreparedNorm embedding_norm;
  std::vector<PreparedLayer> layers;
  std::optional<PreparedLinear> pooler;
  std::optional<PreparedLinear> head_dense;  // masked language model
  std::optional<PreparedNorm> head_norm;
  std::optional<PreparedLinear> head_out;

  std::vector<PlanEntry> plan;
  bool needs_whole_sequences = false;
  // Scratch a row of input needs, over all linears.
  int64_t code_bytes = 0;
  int64_t factor_floats = 0;
  int64_t widest_attention = 0;  // largest heads * head_dim
  int64_t widest_ffn = 0;
};

// Throws Unsupported naming the slot.
PreparedModel prepare(const Model& model, KernelSet kernels);

}  // namespace espalier
