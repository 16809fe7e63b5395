#pragma once
// What a forward pass does with rows (tokens) one by one: everything but attention.

#include "engine/prepared_model.h"

namespace espalier {

// What one thread works with; sizes are for one tile of rows.
struct ThreadBuffers {
  Lane lane;
  float* attention = nullptr;       // scratch of the kernel
  float* sum = nullptr;             // (tile, widest row) what is added to a residual
  float* normed = nullptr;          // (tile, widest row) rows that a block reads
  float* ffn = nullptr;             // (tile, widest feed-forward)
  float* up = nullptr;              // the same, of gated blocks
  float* words = nullptr;           // (tile, widest words) what embeddings are projected from
  float* query = nullptr;           // (tile, widest attention) of cross-attention
  float* memory_context = nullptr;  // (tile, widest attention) what cross-attention gives; its width may be its own
  float* logits = nullptr;          // (tile, outputs) of heads in two parts
  PartTime* times = nullptr;        // (parts of the model) of a pass that is profiled
};

// The tokens of a pass.
struct PassTokens {
  const PackedBatch* batch = nullptr;
  const int32_t* sequence_of_row = nullptr;  // (T)
  const int32_t* position_of_row = nullptr;  // (T) rows of the position table
};

// Row pointers are those of the first of `count` rows; `first` is its number in the pass.
class RowWork {
 public:
  explicit RowWork(const PreparedModel& model) : model_(model), kernels_(*model.kernels) {}

  // x (count, hidden) = embeddings of rows [first, first + count).
  void embed(ThreadBuffers& own, const PreparedEmbedding& embedding, const PassTokens& tokens, int64_t first,
             int64_t count, float* x) const;

  // Queries, keys and values of self-attention: one linear's columns behind the other at `to`, each for all
  // `all_rows` of the pass. `inner` (count, narrow) gets what a bottleneck makes of x.
  void project(ThreadBuffers& own, const PreparedLayer& layer, const float* x, float* inner, int64_t first,
               int64_t count, int64_t all_rows, float* to) const;

  // own.query (count, width) of cross-attention.
  void project_query(ThreadBuffers& own, const PreparedLayer& layer, const float* x, int64_t first,
                     int64_t count) const;

  // Adds what attention found to the residual.
  void add_attention(ThreadBuffers& own, const PreparedLayer& layer, const PreparedAttention& attention,
                     const float* context, float* residual, int64_t first, int64_t count) const;

  // The feed-forward blocks, and the way out of a bottleneck.
  void feed_forward(ThreadBuffers& own, const PreparedLayer& layer, float* x, float* inner, int64_t first,
                    int64_t count) const;

  // out = norm(x + residual); residual may be null, out may be either.
  void norm(ThreadBuffers& own, const PreparedNorm& norm, const float* x, const float* residual, int64_t rows,
            int64_t columns, float* out) const {
    const PartTimer timer(own.times, norm.part, rows);
    sum_and_norm(&norm, x, residual, nullptr, rows, columns, out);
  }

  // Adds what a block gave, in own.sum, to the residual, with the norm where it stands behind the block.
  void add_block(ThreadBuffers& own, bool pre_norm, const PreparedNorm& norm, float* residual, int64_t rows,
                 int64_t columns) const;

  // Logits (count, outputs) of rows of hidden states; x may be changed.
  void head(ThreadBuffers& own, float* x, int64_t first, int64_t count, float* logits) const;

 private:
  // out = norm(x + residual + shift), or the sum alone without a norm.
  void sum_and_norm(const PreparedNorm* norm, const float* x, const float* residual, const float* shift, int64_t rows,
                    int64_t columns, float* out) const;
  void look_up(ThreadBuffers& own, const PreparedEmbedding& embedding, const PassTokens& tokens, int64_t first,
               int64_t count, float* to) const;
  void look_up_trigrams(ThreadBuffers& own, const PreparedEmbedding& embedding, const PassTokens& tokens, int64_t first,
                        int64_t count, float* to) const;
  void add_positions(ThreadBuffers& own, const PreparedEmbedding& embedding, const PassTokens& tokens, int64_t first,
                     int64_t count, float* sum) const;

  const PreparedModel& model_;
  const kernels::Table& kernels_;
};

}  // namespace espalier
