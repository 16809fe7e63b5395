#include "export/onnx_stack.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "model/positions.h"

namespace espalier::onnx_writer {

namespace {

constexpr const char* kIds = "input_ids";
constexpr const char* kMask = "attention_mask";
constexpr const char* kTypes = "token_type_ids";
// What a score gets that must not be seen; e to its power is 0 in float32 whatever the score.
constexpr float kUnseen = -1e9F;
// onnx.TensorProto.DataType
constexpr int64_t kFloat = 1;
constexpr int64_t kInt64 = 7;

using Ints = std::vector<int64_t>;

}  // namespace

Encoder::Encoder(const Model& model, Weights& weights, Graph& graph)
    : model_(model), a_(model.architecture), weights_(weights), graph_(graph) {}

void Encoder::build() {
  const std::vector<Dimension> tokens = {"batch", "length"};
  graph_.add_input(kIds, DType::I64, tokens);
  graph_.add_input(kMask, DType::I64, tokens);
  if (a_.embedding.type_vocab_size > 0) graph_.add_input(kTypes, DType::I64, tokens);
  Name x = embed();
  for (size_t i = 0; i < a_.layers.size(); ++i) x = layer(i, x);
  if (a_.final_norm && !a_.layers.empty()) x = norm("encoder.norm", x);
  add_outputs(x);
}

// --- Small parts ----------------------------------------------------------------------------------------------------

Name Encoder::scaled(const Name& x, double factor) {
  return factor == 1 ? x : graph_.add("Mul", {x, graph_.constant(static_cast<float>(factor))});
}

Name Encoder::norm(const std::string& module, const Name& x, double epsilon) {
  return norm_as(a_.norm_kind, module, x, epsilon);
}

Name Encoder::norm_as(NormKind kind, const std::string& module, const Name& x, double epsilon) {
  graph_.set_scope(module);
  const auto least = static_cast<float>(epsilon > 0 ? epsilon : a_.norm_epsilon);
  const Name weight = weights_.values(module + ".weight");
  switch (kind) {
    case NormKind::Layer:
      return graph_.add("LayerNormalization", {x, weight, weights_.values(module + ".bias")},
                        {{"axis", int64_t{-1}}, {"epsilon", least}});
    case NormKind::Affine:
      return graph_.add("Add", {graph_.add("Mul", {x, weight}), weights_.values(module + ".bias")});
    case NormKind::Rms:
      break;
  }
  const Name squares =
      graph_.add("ReduceMean", {graph_.add("Mul", {x, x})}, {{"axes", Ints{-1}}, {"keepdims", int64_t{1}}});
  const Name root = graph_.add("Sqrt", {graph_.add("Add", {squares, graph_.constant(least)})});
  return graph_.add("Mul", {graph_.add("Div", {x, root}), weight});
}

Name Encoder::activate(Activation activation, const Name& x) {
  switch (activation) {
    case Activation::Gelu: {
      const Name part = graph_.add("Erf", {graph_.add("Div", {x, graph_.constant(std::numbers::sqrt2_v<float>)})});
      const Name twice = graph_.add("Mul", {x, graph_.add("Add", {part, graph_.constant(1.0F)})});
      return graph_.add("Mul", {twice, graph_.constant(0.5F)});
    }
    case Activation::GeluTanh: {
      const Name cube = graph_.add("Mul", {x, graph_.add("Mul", {x, x})});
      const Name sum = graph_.add("Add", {x, graph_.add("Mul", {cube, graph_.constant(0.044715F)})});
      const auto factor = static_cast<float>(std::sqrt(2 / std::numbers::pi));
      const Name part = graph_.add("Tanh", {graph_.add("Mul", {sum, graph_.constant(factor)})});
      const Name twice = graph_.add("Mul", {x, graph_.add("Add", {part, graph_.constant(1.0F)})});
      return graph_.add("Mul", {twice, graph_.constant(0.5F)});
    }
    case Activation::Relu:
      return graph_.add("Relu", {x});
    case Activation::Silu:
      return graph_.add("Mul", {x, graph_.add("Sigmoid", {x})});
    case Activation::Tanh:
      return graph_.add("Tanh", {x});
    case Activation::Identity:
      break;
  }
  return x;
}

const Name& Encoder::range() {
  if (!range_.empty()) return range_;
  const std::string scope = graph_.scope();
  graph_.set_scope("positions");
  const Name length = graph_.add("Gather", {graph_.add("Shape", {kIds}), graph_.constant(int64_t{1})});
  range_ = graph_.add("Range", {graph_.constant(int64_t{0}), length, graph_.constant(int64_t{1})});
  graph_.set_scope(scope);
  return range_;
}

const Name& Encoder::distances() {
  if (!distances_.empty()) return distances_;
  const Name& positions = range();
  const std::string scope = graph_.scope();
  graph_.set_scope("distances");
  const Name keys = graph_.add("Unsqueeze", {positions, graph_.constants({0})});
  const Name queries = graph_.add("Unsqueeze", {positions, graph_.constants({1})});
  distances_ = graph_.add("Sub", {keys, queries});
  graph_.set_scope(scope);
  return distances_;
}

const Name& Encoder::mask(bool causal) {
  const std::string scope = graph_.scope();
  if (padding_mask_.empty()) {
    graph_.set_scope("mask");
    const Name wide = graph_.add("Unsqueeze", {kMask, graph_.constants({1, 2})});
    const Name floats = graph_.add("Cast", {wide}, {{"to", kFloat}});
    padding_mask_ = graph_.add("Mul", {graph_.add("Sub", {graph_.constant(1.0F), floats}), graph_.constant(kUnseen)});
  }
  if (causal && causal_mask_.empty()) {
    const Name& away = distances();
    graph_.set_scope("causal_mask");
    const Name later = graph_.add("Greater", {away, graph_.constant(int64_t{0})});
    const Name added = graph_.add("Where", {later, graph_.constant(kUnseen), graph_.constant(0.0F)});
    causal_mask_ = graph_.add("Add", {padding_mask_, added});
  }
  graph_.set_scope(scope);
  return causal ? causal_mask_ : padding_mask_;
}

// --- Embeddings -----------------------------------------------------------------------------------------------------

Name Encoder::words() {
  graph_.set_scope("embeddings.word");
  const Name x = scaled(weights_.rows("embeddings.word.weight", kIds), a_.embedding.scale);
  if (!a_.embedding.trigram) return x;
  // Next, own and previous token side by side; zeros beyond the ends of a sequence, padding is beyond.
  const Name mask = graph_.add("Cast", {graph_.add("Unsqueeze", {kMask, graph_.constants({2})})}, {{"to", kFloat}});
  const Name seen = graph_.add("Mul", {x, mask});
  const auto beside = [&](int64_t begin, int64_t end, const Ints& pads) {
    const Name part =
        graph_.add("Slice", {seen, graph_.constants({begin}), graph_.constants({end}), graph_.constants({1})});
    return graph_.add("Pad", {part, graph_.constants(pads), graph_.constant(0.0F)});
  };
  const Name next = beside(1, kAnyLength, {0, 0, 0, 0, 1, 0});
  const Name previous = beside(0, -1, {0, 1, 0, 0, 0, 0});
  return graph_.add("Concat", {next, x, previous}, {{"axis", int64_t{2}}});
}

Name Encoder::position_rows() {
  const EmbeddingSpec& spec = a_.embedding;
  Name rows;
  if (spec.skip_padding) {
    graph_.set_scope("embeddings.position");
    const Name own =
        graph_.add("Cast", {graph_.add("Equal", {kIds, graph_.constant(spec.pad_token_id)})}, {{"to", kInt64}});
    const Name tokens = graph_.add("Sub", {graph_.constant(int64_t{1}), own});
    const Name count = graph_.add("Mul", {graph_.add("CumSum", {tokens, graph_.constant(int64_t{1})}), tokens});
    rows = graph_.add("Add", {count, graph_.constant(spec.position_offset - 1)});
  } else {
    rows = range();
    graph_.set_scope("embeddings.position");
    if (spec.position_offset != 0) rows = graph_.add("Add", {rows, graph_.constant(spec.position_offset)});
  }
  if (spec.positions == PositionKind::Learned) return weights_.rows("embeddings.position.weight", rows);
  const int64_t width = embedding_sum_width(spec, a_.hidden_size);
  const int64_t height = spec.max_positions + spec.position_offset;
  const Name table = graph_.initializer("embeddings.position.by_formula", [&] {
    return Tensor::from(Shape{height, width}, sinusoidal_table(spec.positions, height, width));
  });
  return graph_.add("Gather", {table, rows});
}

Name Encoder::embed() {
  const EmbeddingSpec& spec = a_.embedding;
  Name x = words();
  if (spec.projection == Projection::Words) x = weights_.linear("embeddings.project", x);
  graph_.set_scope("embeddings");
  if (spec.type_vocab_size > 0) {
    graph_.set_scope("embeddings.type");
    x = graph_.add("Add", {x, weights_.rows("embeddings.type.weight", kTypes)});
  }
  if (spec.positions != PositionKind::None) x = graph_.add("Add", {x, position_rows()});
  if (spec.norm) x = norm("embeddings.norm", x, spec.norm_epsilon);
  if (spec.projection == Projection::Sum) x = weights_.linear("embeddings.project", x);
  return x;
}

// --- Layers ---------------------------------------------------------------------------------------------------------

Name Encoder::split_heads(const Name& x, const AttentionSpec& spec, const Ints& order) {
  const Name heads = graph_.add("Reshape", {x, graph_.constants({0, 0, spec.num_heads(), spec.head_dim})});
  return graph_.add("Transpose", {heads}, {{"perm", order}});
}

Name Encoder::relative_scores(const std::string& at, const AttentionSpec& spec) {
  const RelativeBiasSpec& relative = *spec.relative;
  const Name& away = distances();
  const int64_t farthest = 2 * relative.max_distance;  // one bucket from here on
  const Name buckets =
      graph_.initializer(fmt::format("buckets/{}/{}/{}", relative.buckets, relative.max_distance, spec.causal), [&] {
        Ints list;
        for (int64_t d = -farthest; d <= farthest; ++d) list.push_back(relative_bucket(relative, spec.causal, d));
        return Tensor::from(Shape{std::ssize(list)}, std::move(list));
      });
  const Name bounded = graph_.add("Clip", {away, graph_.constant(-farthest), graph_.constant(farthest)});
  const Name bucket = graph_.add("Gather", {buckets, graph_.add("Add", {bounded, graph_.constant(farthest)})});
  Name scores = graph_.add("Gather", {weights_.values(at + "relative_bias.weight"), bucket});  // (query, key, heads)
  if (spec.num_heads() != relative.heads) {
    Ints kept;
    for (const HeadIndex head : spec.heads) kept.push_back(head.value);
    scores = graph_.add("Gather", {scores, graph_.constants(kept)}, {{"axis", int64_t{2}}});
  }
  return graph_.add("Transpose", {scores}, {{"perm", Ints{2, 0, 1}}});
}

Name Encoder::attention(const std::string& at, const AttentionSpec& spec, const Name& query_read,
                        const Name& value_read) {
  if (spec.num_heads() == 0) return weights_.linear(at + "out_proj", query_read);
  const Name q = weights_.linear(at + "q_proj", query_read);
  const Name k = weights_.linear(at + "k_proj", query_read);
  const Name v = weights_.linear(at + "v_proj", value_read);
  graph_.set_scope(at.substr(0, at.size() - 1));
  const Name queries = split_heads(q, spec, {0, 2, 1, 3});
  const Name keys = split_heads(k, spec, {0, 2, 3, 1});
  const Name values = split_heads(v, spec, {0, 2, 1, 3});
  Name scores = scaled(graph_.add("MatMul", {queries, keys}), spec.score_scale());
  if (spec.relative) scores = graph_.add("Add", {scores, relative_scores(at, spec)});
  const Name seen = graph_.add("Add", {scores, mask(spec.causal)});
  const Name shares = graph_.add("Softmax", {seen}, {{"axis", int64_t{-1}}});
  const Name context = graph_.add("Transpose", {graph_.add("MatMul", {shares, values})}, {{"perm", Ints{0, 2, 1, 3}}});
  const Name joined = graph_.add("Reshape", {context, graph_.constants({0, 0, spec.width()})});
  return weights_.linear(at + "out_proj", joined);
}

Name Encoder::feed_forward(const std::string& at, const FeedForwardSpec& spec, bool pre_norm, const Name& x) {
  const Name read = pre_norm ? norm(at + "norm", x, spec.norm_epsilon) : x;
  Name inner;
  if (spec.width == 0) {
    inner = read;
  } else {
    inner = weights_.linear(at + "in_proj", read);
    graph_.set_scope(at.substr(0, at.size() - 1));
    inner = activate(spec.activation, inner);
    if (spec.gated) inner = graph_.add("Mul", {inner, weights_.linear(at + "up_proj", read)});
  }
  const Name y = weights_.linear(at + "out_proj", inner);
  graph_.set_scope(at.substr(0, at.size() - 1));
  const Name sum = graph_.add("Add", {y, x});
  return pre_norm ? sum : norm(at + "norm", sum, spec.norm_epsilon);
}

Name Encoder::layer(size_t index, Name x) {
  const LayerSpec& spec = a_.layers[index];
  const std::string at = fmt::format("encoder.{}.", index);
  const bool pre_norm = spec.norm == NormPlacement::Pre;
  Name query_read = x, value_read = x, residual = x;
  if (pre_norm) query_read = value_read = norm(at + "attention.norm", x);
  if (spec.bottleneck) {
    const auto narrow = [&](const std::string& module) { return norm(module + ".norm", weights_.linear(module, x)); };
    residual = narrow(at + "bottleneck.input");
    if (spec.bottleneck->attention) {
      query_read = value_read = residual;
    } else if (spec.bottleneck->shared) {
      query_read = narrow(at + "bottleneck.attention");
    }
  }
  const Name found = attention(at + "attention.", spec.attention, query_read, value_read);
  graph_.set_scope(at + "attention");
  Name inner = graph_.add("Add", {found, residual});
  if (!pre_norm) inner = norm(at + "attention.norm", inner);
  for (size_t i = 0; i < spec.stacked.size(); ++i) {
    inner = feed_forward(fmt::format("{}ffn.{}.", at, i), spec.stacked[i], pre_norm, inner);
  }
  inner = feed_forward(at + "ffn.", spec.ffn, pre_norm, inner);
  if (!spec.bottleneck) return inner;
  const Name wide = weights_.linear(at + "bottleneck.output", inner);
  graph_.set_scope(at + "bottleneck");
  return norm(at + "bottleneck.output.norm", graph_.add("Add", {wide, x}));
}

// --- Head -----------------------------------------------------------------------------------------------------------

Name Encoder::head(Name x) {
  graph_.set_scope("head");
  x = scaled(x, a_.head.scale);
  if (weights_.contains("head.dense.weight")) {
    x = weights_.linear("head.dense", x);
    graph_.set_scope("head");
    x = activate(head_activation(a_), x);
    if (a_.head.kind == HeadKind::MaskedLm) x = norm_as(NormKind::Layer, "head.norm", x);
  }
  if (!weights_.contains("head.extra.weight")) return weights_.linear("head.out", x);
  const int64_t begin = embedding_word_width(a_.embedding, a_.hidden_size);
  graph_.set_scope("head");
  const auto columns = [&](int64_t from, int64_t to) {
    return graph_.add("Slice", {x, graph_.constants({from}), graph_.constants({to}), graph_.constants({-1})});
  };
  const Name first = columns(0, begin);
  const Name rest = columns(begin, kAnyLength);
  const Name logits = weights_.linear("head.out", first);
  return graph_.add("Add", {logits, weights_.linear("head.extra", rest)});
}

void Encoder::add_outputs(const Name& x) {
  const HeadKind kind = a_.head.kind;
  const bool whole = kind == HeadKind::Classification || kind == HeadKind::Regression;
  Name first = x;
  if (whole || a_.has_pooler) {
    graph_.set_scope("pooler");
    first = graph_.add("Gather", {x, graph_.constant(int64_t{0})}, {{"axis", int64_t{1}}});
  }
  if (a_.has_pooler && (whole || kind == HeadKind::None)) {
    first = weights_.linear("pooler.dense", first);
    graph_.set_scope("pooler");
    first = graph_.add("Tanh", {first});
  }
  const auto hidden = a_.hidden_size;
  if (kind == HeadKind::None) {
    graph_.add_output(x, "last_hidden_state", DType::F32, {"batch", "length", hidden});
    if (a_.has_pooler) graph_.add_output(first, "pooler_output", DType::F32, {"batch", hidden});
    return;
  }
  const Name logits = head(whole ? first : x);
  if (kind == HeadKind::QuestionAnswering) {
    graph_.set_scope("head");
    int64_t column = 0;
    for (const char* name : {"start_logits", "end_logits"}) {
      const Name one = graph_.add("Gather", {logits, graph_.constant(column++)}, {{"axis", int64_t{2}}});
      graph_.add_output(one, name, DType::F32, {"batch", "length"});
    }
  } else if (whole) {
    graph_.add_output(logits, "logits", DType::F32, {"batch", a_.head.num_labels});
  } else {
    graph_.add_output(logits, "logits", DType::F32, {"batch", "length", a_.head.num_labels});
  }
}

}  // namespace espalier::onnx_writer
