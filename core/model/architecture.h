#pragma once
// The shape of a model as plain data. Everything that computes (network, engine) and everything that counts (measure,
// inspect) is built from this and a WeightTable; nothing asks which family a model came from.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/index.h"
#include "base/json.h"
#include "base/tensor.h"

namespace espalier {

enum class Activation { Gelu, GeluTanh, Relu, Silu, Tanh };
enum class NormPlacement { Post, Pre };  // layer norm after the residual sum (BERT) or before the block
enum class HeadKind { None, Classification, Regression, TokenClassification, QuestionAnswering, MaskedLm };

std::string_view to_string(Activation activation);
std::string_view to_string(HeadKind kind);

struct AttentionSpec {
  std::vector<HeadIndex> heads;  // the heads that are left, by their number in the model as first opened, ascending
  int64_t head_dim = 0;

  int64_t num_heads() const { return static_cast<int64_t>(heads.size()); }
  int64_t width() const { return num_heads() * head_dim; }  // rows of q_proj, k_proj, v_proj; columns of out_proj
  bool operator==(const AttentionSpec&) const = default;
};

struct FeedForwardSpec {
  int64_t width = 0;  // intermediate size: rows of in_proj, columns of out_proj
  Activation activation = Activation::Gelu;
  bool operator==(const FeedForwardSpec&) const = default;
};

struct LayerSpec {
  AttentionSpec attention;
  FeedForwardSpec ffn;
  NormPlacement norm = NormPlacement::Post;
  bool operator==(const LayerSpec&) const = default;
};

struct EmbeddingSpec {
  int64_t vocab_size = 0;
  int64_t max_positions = 0;
  int64_t type_vocab_size = 0;  // 0: no token type embedding
  int64_t pad_token_id = 0;
  bool operator==(const EmbeddingSpec&) const = default;
};

struct HeadSpec {
  HeadKind kind = HeadKind::None;
  int64_t num_labels = 0;           // outputs of the last linear; 2 for question answering (start, end)
  std::vector<std::string> labels;  // names by index; empty when the folder gives none
  bool operator==(const HeadSpec&) const = default;
};

struct Architecture {
  std::string family;  // for people and for writing folders back; code does not branch on it
  int64_t hidden_size = 0;
  double norm_epsilon = 1e-12;
  double hidden_dropout = 0.1;     // training only
  double attention_dropout = 0.1;  // training only
  EmbeddingSpec embedding;
  std::vector<LayerSpec> layers;  // the encoder, first to last
  bool has_pooler = false;        // tanh(dense(first token))
  HeadSpec head;

  bool operator==(const Architecture&) const = default;
};

Json to_json(const Architecture& architecture);
// Throws Format naming the member; every size is checked to be positive and below 2^31.
Architecture architecture_from_json(const Json& json, std::string_view where);

// --- The places where weights go ------------------------------------------------------------------------------------

enum class Part { Embeddings, Attention, FeedForward, Pooler, Head };
enum class SlotKind { Linear, Embedding, Bias, NormWeight, NormBias };

std::string_view to_string(Part part);

// One place for a weight. Names are "embeddings.word.weight", "encoder.3.attention.q_proj.weight" (also k_proj, v_proj,
// out_proj, norm), "encoder.3.ffn.in_proj.bias" (also out_proj, norm), "pooler.dense.weight", "head.dense.weight",
// "head.norm.weight" (masked LM), "head.out.weight".
struct Slot {
  std::string name;
  SlotKind kind = SlotKind::Linear;
  Part part = Part::Embeddings;
  std::optional<LayerIndex> layer;  // empty outside the stack
  std::string module;               // "q_proj", "norm", "word", ...
  Shape shape;                      // (out, in) for linears, (rows, width) for embeddings, (n) for vectors
};

// Every slot of an architecture, in the order of the forward pass.
std::vector<Slot> slots_of(const Architecture& architecture);

// "encoder.3.attention.q_proj.weight".
std::string layer_slot(LayerIndex layer, std::string_view module_path, std::string_view leaf);

}  // namespace espalier
