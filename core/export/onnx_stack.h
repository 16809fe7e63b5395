#pragma once
// Embeddings, layers and head as nodes of a graph: what engine/row_work.cpp and forward.cpp compute, for padded
// batches.

#include "export/onnx_linear.h"

namespace espalier::onnx_writer {

class Encoder {
 public:
  Encoder(const Model& model, Weights& weights, Graph& graph);

  // Inputs of the graph, every node, and its outputs.
  void build();

 private:
  Name norm(const std::string& module, const Name& x, double epsilon = 0);
  Name norm_as(NormKind kind, const std::string& module, const Name& x, double epsilon = 0);
  Name activate(Activation activation, const Name& x);
  Name scaled(const Name& x, double factor);

  Name embed();
  Name words();
  Name position_rows();
  Name layer(size_t index, Name x);
  // Projections of what queries and keys, and values, read; the output projection.
  Name attention(const std::string& at, const AttentionSpec& spec, const Name& query_read, const Name& value_read);
  Name split_heads(const Name& x, const AttentionSpec& spec, const std::vector<int64_t>& order);
  Name relative_scores(const std::string& at, const AttentionSpec& spec);
  Name feed_forward(const std::string& at, const FeedForwardSpec& spec, bool pre_norm, const Name& x);
  Name head(Name x);
  void add_outputs(const Name& x);

  // Added to scores (batch, heads, query, key): 0 where a key is seen, else a large negative number.
  const Name& mask(bool causal);
  // (query, key) of key position - query position.
  const Name& distances();
  // Positions 0 .. length - 1.
  const Name& range();

  const Model& model_;
  const Architecture& a_;
  Weights& weights_;
  Graph& graph_;
  Name padding_mask_, causal_mask_, distances_, range_;
};

}  // namespace espalier::onnx_writer
