#pragma once
// The shape of a model as plain data. Everything that computes (network, engine) and everything that counts (measure,
// inspect) is built from this and a WeightTable; nothing asks which family a model came from.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/index.h"
#include "base/json_fwd.h"
#include "base/tensor.h"

namespace espalier {

enum class Activation { Gelu, GeluTanh, Relu, Silu, Tanh, Identity };
enum class NormPlacement { Post, Pre };  // norm after the residual sum (BERT) or before the block
// (x - mean) / deviation * weight + bias; x / root mean square * weight; x * weight + bias (MobileBERT's NoNorm).
enum class NormKind { Layer, Rms, Affine };
// LanguageModel gives the next token of a decoder, or of causal layers; ReplacedToken says of each token whether it is
// foreign (ELECTRA's discriminator).
enum class HeadKind {
  None,
  Classification,
  Regression,
  TokenClassification,
  QuestionAnswering,
  MaskedLm,
  LanguageModel,
  ReplacedToken
};
// A table that was learnt; sine and cosine in turn (Vaswani 2017) or sines before cosines (Marian); no positions.
enum class PositionKind { Learned, Sinusoidal, SinusoidalHalves, None };
// Where a linear takes embeddings of their own width to the hidden size: nowhere, on the words before they are summed
// with positions (MobileBERT), or on the normed sum (ALBERT, ELECTRA).
enum class Projection { None, Words, Sum };
// Long short-term memory (Hochreiter 1997, with the forget gate of Gers 2000): gates input, forget, candidate, output.
// Gated recurrent unit (Cho 2014, the reset gate behind the product as in cuDNN): gates reset, update, candidate.
enum class Cell { Lstm, Gru };
// Score of a decoder's state h against a state s of the encoder (Luong 2015, equation 8): h s, or h W s.
enum class AttentionScore { Dot, General };
// What a head that answers once a sequence reads: the first token's row; the last states of a recurrent stack, both
// directions side by side; [u, v, u * v, |u - v|] of the last states u and v of the two texts of a pair, each read
// alone (Tang 2019, arXiv 1903.12136).
enum class Pooling { FirstToken, LastStates, ComparedStates };

std::string_view to_string(Activation activation);
std::string_view to_string(HeadKind kind);

// Bias of attention scores by the distance between tokens (T5): the first half of the buckets are single distances,
// the others grow by powers up to max_distance. A table of (buckets, heads).
struct RelativeBiasSpec {
  int64_t buckets = 32;
  int64_t max_distance = 128;
  int64_t heads = 0;  // columns: heads of the layer as first opened, so that a pruned layer reads those of its own
  bool operator==(const RelativeBiasSpec&) const = default;
};

struct AttentionSpec {
  std::vector<HeadIndex> heads;  // the heads that are left, by their number in the model as first opened, ascending
  int64_t head_dim = 0;
  double scale = 0;     // of the scores; 0: 1 / sqrt(head_dim)
  bool causal = false;  // a token sees itself and those before it
  std::optional<RelativeBiasSpec> relative = {};

  int64_t num_heads() const { return static_cast<int64_t>(heads.size()); }
  int64_t width() const { return num_heads() * head_dim; }  // rows of q_proj, k_proj, v_proj; columns of out_proj
  double score_scale() const;
  bool operator==(const AttentionSpec&) const = default;
};

struct FeedForwardSpec {
  int64_t width = 0;  // intermediate size: rows of in_proj, columns of out_proj
  Activation activation = Activation::Gelu;
  bool gated = false;       // activation(in_proj x) * up_proj x
  double norm_epsilon = 0;  // 0: the architecture's
  bool operator==(const FeedForwardSpec&) const = default;
};

// A layer that works narrower than the stack (MobileBERT): linears with norms lead into it and back.
struct BottleneckSpec {
  int64_t width = 0;       // what the residual sums inside the layer have
  bool shared = true;      // queries and keys come through a second bottleneck of their own, else from the stack
  bool attention = false;  // queries, keys and values all come through the first one
  bool operator==(const BottleneckSpec&) const = default;
};

// A recurrent layer. It reads what the layer below gives (the embeddings' sum at first) and gives its states.
struct RecurrentSpec {
  Cell cell = Cell::Lstm;
  int64_t width = 0;           // of the state of one direction
  bool bidirectional = false;  // a second direction reads from each sequence's own end; states stand side by side

  int64_t num_gates() const { return cell == Cell::Lstm ? 4 : 3; }
  int64_t num_states() const { return cell == Cell::Lstm ? 2 : 1; }  // hidden, and cell
  int64_t num_directions() const { return bidirectional ? 2 : 1; }
  int64_t output_width() const { return num_directions() * width; }
  bool operator==(const RecurrentSpec&) const = default;
};

// How a stack of recurrent layers reads an encoder of recurrent layers. Layer i begins with the last states of the
// encoder's layer i, or of its last one where it has fewer.
struct RecurrentDecoderSpec {
  // Behind the last layer, one head over the encoder's states: c = softmax(scores) s, then the row that the head reads
  // is tanh(W [c, h]) of the hidden size. None: it is the last layer's state.
  std::optional<AttentionScore> attention = AttentionScore::General;
  bool input_feeding = true;  // the first layer reads that row of the step before beside the embedding
  bool bridge = false;        // first states are tanh(W s + b) of the encoder's; else widths must be equal
  bool operator==(const RecurrentDecoderSpec&) const = default;
};

struct LayerSpec {
  AttentionSpec attention;
  FeedForwardSpec ffn;
  NormPlacement norm = NormPlacement::Post;
  std::optional<AttentionSpec> cross = {};    // attention to the encoder's output, after self-attention
  std::vector<FeedForwardSpec> stacked = {};  // feed-forward blocks before `ffn` (MobileBERT)
  std::optional<BottleneckSpec> bottleneck = {};
  // A recurrent layer has nothing of the above: no heads, no feed-forward units, no norm. All layers of a model are
  // recurrent, or none is.
  std::optional<RecurrentSpec> recurrent = {};

  bool operator==(const LayerSpec&) const = default;
};

struct EmbeddingSpec {
  int64_t vocab_size = 0;
  int64_t max_positions = 0;    // the longest sequence; kAnyLength where no table limits it
  int64_t type_vocab_size = 0;  // 0: no token type embedding
  int64_t pad_token_id = 0;
  int64_t width = 0;  // of the word table, and of the sum where the projection stands behind it; 0: the hidden size
  Projection projection = Projection::None;
  bool trigram = false;  // words are next, own and previous token side by side before the projection
  PositionKind positions = PositionKind::Learned;
  int64_t position_offset = 0;  // rows of the table before the first position's
  // Positions count the tokens that are not padding; padding has the row before the first position's (RoBERTa).
  bool skip_padding = false;
  double scale = 1;         // of the word rows
  bool norm = true;         // a norm behind the sum
  double norm_epsilon = 0;  // 0: the architecture's

  bool operator==(const EmbeddingSpec&) const = default;
};

inline constexpr int64_t kAnyLength = (int64_t{1} << 31) - 1;

struct HeadSpec {
  HeadKind kind = HeadKind::None;
  int64_t num_labels = 0;                // outputs of the last linear; 2 for question answering (start, end)
  std::vector<std::string> labels = {};  // names by index; empty when the folder gives none
  bool dense = false;                    // a linear and an activation before the last one; masked LM always has them
  std::optional<Activation> activation = {};  // of the dense linear; none: the first layer's
  int64_t width = 0;                          // outputs of the dense linear; 0: the hidden size
  bool wide = false;  // head.out reads the first `embedding.width` inputs, head.extra the others (MobileBERT)
  bool bias = true;   // of the last linear
  double scale = 1;   // of what the head reads (T5)
  Pooling pooling = Pooling::FirstToken;

  bool operator==(const HeadSpec&) const = default;
};

// How text is generated. Token ids are -1 where there is none.
struct GenerationSpec {
  int64_t bos = -1;
  std::vector<int64_t> eos = {};  // any of them ends a sequence
  int64_t pad = -1;               // fills up sequences that ended; -1: the first end
  int64_t decoder_start = -1;
  int64_t forced_bos = -1;  // first token
  int64_t forced_eos = -1;  // last token of a sequence of the greatest length
  int64_t max_length = 20;  // tokens, the prompt or the start token counted
  int64_t min_length = 0;
  int64_t beams = 1;          // 1: greedy
  double length_penalty = 1;  // scores of finished sequences are divided by length ^ this
  // "false": a beam search ends when no running sequence can become better at its present length; "true": as soon as
  // there are as many finished sequences as beams; "never": at the best possible length.
  std::string early_stopping = "false";
  int64_t no_repeat_ngram = 0;  // no n-gram of this size twice; 0: any
  double repetition_penalty = 1;
  std::vector<std::vector<int64_t>> bad_words = {};  // sequences of tokens that must not be written

  bool operator==(const GenerationSpec&) const = default;
};

struct Architecture {
  std::string family;       // for people and for writing folders back; code does not branch on it
  int64_t hidden_size = 0;  // of the rows between layers; of a recurrent model, of the rows that the head reads
  double norm_epsilon = 1e-12;
  double hidden_dropout = 0.1;     // training only
  double attention_dropout = 0.1;  // training only
  EmbeddingSpec embedding;
  std::vector<LayerSpec> layers;  // the encoder, or the only stack, first to last
  bool has_pooler = false;        // tanh(dense(first token))
  HeadSpec head;
  NormKind norm_kind = NormKind::Layer;
  bool biases = true;       // of the linears of layers
  bool final_norm = false;  // a norm behind the last layer of each stack
  // The decoder: its own input and layers with cross-attention. Both or none.
  std::optional<EmbeddingSpec> decoder_embedding = {};
  std::vector<LayerSpec> decoder = {};
  std::optional<RecurrentDecoderSpec> recurrent_decoder = {};  // exists when the decoder's layers are recurrent
  std::optional<GenerationSpec> generation = {};

  bool has_decoder() const { return !decoder.empty(); }
  // Whether the layers are recurrent ones: there are no attention heads and no feed-forward units then.
  bool is_recurrent() const { return !layers.empty() && layers.front().recurrent.has_value(); }
  // Whether the only stack reads left to right.
  bool is_causal() const;
  bool operator==(const Architecture&) const = default;
};

// The activation of the head's dense linear: its own, or the first layer's (tanh where layers are recurrent).
Activation head_activation(const Architecture& architecture);

Json to_json(const Architecture& architecture);
// Throws Format naming the member; every size is checked to be positive and below 2^31.
Architecture architecture_from_json(const Json& json, std::string_view where);

// --- The places where weights go ------------------------------------------------------------------------------------

enum class Part { Embeddings, Attention, FeedForward, Pooler, Head, CrossAttention, Recurrent };
enum class SlotKind { Linear, Embedding, Bias, NormWeight, NormBias };
enum class Stack { Encoder, Decoder };

std::string_view to_string(Part part);

// One place for a weight. Names are "embeddings.word.weight", "encoder.3.attention.q_proj.weight" (also k_proj, v_proj,
// out_proj, norm, relative_bias), "encoder.3.ffn.in_proj.bias" (also up_proj, out_proj, norm),
// "encoder.3.ffn.0.in_proj" for stacked ones, "encoder.3.bottleneck.input" (also attention, output, each with a norm),
// "encoder.0.recurrent.input.weight" and "encoder.0.recurrent.hidden.weight" (each a matrix of all gates, stacked; the
// second direction's under "encoder.0.recurrent.backward."), "decoder.0.bridge.hidden.weight" (also cell),
// "decoder.attention.score.weight" (also combine), "encoder.norm.weight", the same under "decoder_embeddings." and
// "decoder." (with cross_attention), "pooler.dense.weight", "head.dense.weight", "head.norm.weight" (masked LM),
// "head.out.weight", "head.extra.weight".
struct Slot {
  std::string name;
  SlotKind kind = SlotKind::Linear;
  Part part = Part::Embeddings;
  std::optional<LayerIndex> layer = {};  // empty outside the stack
  std::string module = {};               // "q_proj", "norm", "word", ...
  Shape shape = {};                      // (out, in) for linears, (rows, width) for embeddings, (n) for vectors
  Stack stack = Stack::Encoder;
};

// Every slot of an architecture, in the order of the forward pass.
std::vector<Slot> slots_of(const Architecture& architecture);

// "encoder.3.attention.q_proj.weight".
std::string layer_slot(LayerIndex layer, std::string_view module_path, std::string_view leaf);

// "encoder" or "decoder": what names of a stack's slots begin with.
std::string_view to_string(Stack stack);
// "embeddings" or "decoder_embeddings".
std::string_view embeddings_of(Stack stack);
// The spec and layers of a stack; the decoder's only when there is one.
const EmbeddingSpec& embedding_spec(const Architecture& architecture, Stack stack);
const std::vector<LayerSpec>& layer_specs(const Architecture& architecture, Stack stack);

// Width of the rows that an embedding's positions, types and norm have.
int64_t embedding_sum_width(const EmbeddingSpec& spec, int64_t hidden_size);
int64_t embedding_word_width(const EmbeddingSpec& spec, int64_t hidden_size);

// --- Recurrent layers -----------------------------------------------------------------------------------------------

// Throws Format naming the first fault of how a recurrent architecture is put together: recurrent layers beside others,
// widths that do not meet, members that have no meaning there (a pooler, norms, relative positions).
void check_recurrent(const Architecture& architecture, const std::string& where);
// Columns of the input-to-hidden matrix of a recurrent layer.
int64_t recurrent_input_width(const Architecture& architecture, Stack stack, size_t layer);
// Width of the encoder's rows that a recurrent decoder attends to.
int64_t recurrent_memory_width(const Architecture& architecture);
// The encoder's layer whose last states a decoder's layer begins with.
size_t bridged_layer(const Architecture& architecture, size_t decoder_layer);
// Inputs of the head's first linear.
int64_t head_input_width(const Architecture& architecture);

}  // namespace espalier
