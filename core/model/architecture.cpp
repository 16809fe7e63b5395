#include "model/architecture.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "base/error.h"

namespace espalier {
namespace {

constexpr std::array<std::string_view, 5> kActivations = {"gelu", "gelu_tanh", "relu", "silu", "tanh"};
constexpr std::array<std::string_view, 2> kNormPlaces = {"post", "pre"};
constexpr std::array<std::string_view, 6> kHeads = {
    "none", "classification", "regression", "token_classification", "question_answering", "masked_lm"};
constexpr std::array<std::string_view, 5> kParts = {"embeddings", "attention", "ffn", "pooler", "head"};

constexpr int64_t kMaxSize = int64_t{1} << 31;

template <typename Enum, size_t N>
Enum enum_from(const Json& json, std::string_view key, const std::array<std::string_view, N>& names,
               std::string_view where) {
  const auto name = json_get<std::string>(json, key, where);
  for (size_t i = 0; i < N; ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
  }
  throw Error(ErrorKind::Format, {fmt::format("\"{}\" is not known", key), std::string(where), name,
                                  fmt::format("one of {}", fmt::join(names, ", ")), ""});
}

int64_t size_from(const Json& json, std::string_view key, int64_t least, std::string_view where) {
  const Json value = json_get<Json>(json, key, where);
  if (value.is_number_integer() && value.get<int64_t>() >= least && value.get<int64_t>() < kMaxSize) {
    return value.get<int64_t>();
  }
  throw Error(ErrorKind::Format, {fmt::format("\"{}\" is out of range", key), std::string(where),
                                  value.dump(-1, ' ', false, Json::error_handler_t::replace),
                                  fmt::format("a whole number from {} to 2^31 - 1", least), ""});
}

double real_from(const Json& json, std::string_view key, double low, double high, std::string_view where) {
  const auto value = json_get<double>(json, key, where);
  if (std::isfinite(value) && value >= low && value <= high) return value;
  throw Error(ErrorKind::Format, {fmt::format("\"{}\" is out of range", key), std::string(where),
                                  fmt::format("{}", value), fmt::format("{} to {}", low, high), ""});
}

Json layer_to_json(const LayerSpec& layer) {
  Json heads = Json::array();
  for (const HeadIndex head : layer.attention.heads) heads.push_back(head.value);
  return {{"heads", heads},
          {"head_dim", layer.attention.head_dim},
          {"ffn_width", layer.ffn.width},
          {"activation", to_string(layer.ffn.activation)},
          {"norm", kNormPlaces.at(static_cast<size_t>(layer.norm))}};
}

LayerSpec layer_from_json(const Json& json, const std::string& where) {
  LayerSpec layer;
  int64_t previous = -1;
  const Json heads = json_get<Json>(json, "heads", where);
  if (!heads.is_array() || heads.empty()) {
    throw Error(ErrorKind::Format, {"\"heads\" is not a list of heads", where, heads.dump(), "at least one head", ""});
  }
  for (const Json& head : heads) {
    const bool ascends = head.is_number_integer() && head.get<int64_t>() > previous && head.get<int64_t>() < kMaxSize;
    if (!ascends) {
      throw Error(ErrorKind::Format,
                  {"\"heads\" is not ascending", where, heads.dump(), "different whole numbers, ascending", ""});
    }
    previous = head.get<int64_t>();
    layer.attention.heads.emplace_back(previous);
  }
  layer.attention.head_dim = size_from(json, "head_dim", 1, where);
  layer.ffn.width = size_from(json, "ffn_width", 1, where);
  layer.ffn.activation = enum_from<Activation>(json, "activation", kActivations, where);
  layer.norm = enum_from<NormPlacement>(json, "norm", kNormPlaces, where);
  if (layer.attention.width() >= kMaxSize) {
    throw Error(ErrorKind::Format, {"the heads are too wide", where, fmt::format("{}", layer.attention.width()),
                                    "a width below 2^31", ""});
  }
  return layer;
}

// Collects slots in the order of the forward pass.
class SlotList {
 public:
  void linear(const std::string& path, Part part, std::optional<LayerIndex> layer, const std::string& module,
              int64_t out, int64_t in) {
    slots_.push_back({path + ".weight", SlotKind::Linear, part, layer, module, {out, in}});
    slots_.push_back({path + ".bias", SlotKind::Bias, part, layer, module, {out}});
  }
  void norm(const std::string& path, Part part, std::optional<LayerIndex> layer, int64_t size) {
    slots_.push_back({path + ".weight", SlotKind::NormWeight, part, layer, "norm", {size}});
    slots_.push_back({path + ".bias", SlotKind::NormBias, part, layer, "norm", {size}});
  }
  void embedding(const std::string& module, int64_t rows, int64_t width) {
    slots_.push_back(
        {"embeddings." + module + ".weight", SlotKind::Embedding, Part::Embeddings, {}, module, {rows, width}});
  }
  std::vector<Slot> take() { return std::move(slots_); }

 private:
  std::vector<Slot> slots_;
};

void add_layer(SlotList& slots, const LayerSpec& layer, LayerIndex index, int64_t hidden) {
  const std::string attention = fmt::format("encoder.{}.attention.", index.value);
  const std::string ffn = fmt::format("encoder.{}.ffn.", index.value);
  const int64_t width = layer.attention.width();
  for (const char* module : {"q_proj", "k_proj", "v_proj"}) {
    slots.linear(attention + module, Part::Attention, index, module, width, hidden);
  }
  slots.linear(attention + "out_proj", Part::Attention, index, "out_proj", hidden, width);
  slots.norm(attention + "norm", Part::Attention, index, hidden);
  slots.linear(ffn + "in_proj", Part::FeedForward, index, "in_proj", layer.ffn.width, hidden);
  slots.linear(ffn + "out_proj", Part::FeedForward, index, "out_proj", hidden, layer.ffn.width);
  slots.norm(ffn + "norm", Part::FeedForward, index, hidden);
}

}  // namespace

std::string_view to_string(Activation activation) { return kActivations.at(static_cast<size_t>(activation)); }
std::string_view to_string(HeadKind kind) { return kHeads.at(static_cast<size_t>(kind)); }
std::string_view to_string(Part part) { return kParts.at(static_cast<size_t>(part)); }

Json to_json(const Architecture& a) {
  Json layers = Json::array();
  for (const LayerSpec& layer : a.layers) layers.push_back(layer_to_json(layer));
  return {{"family", a.family},
          {"hidden_size", a.hidden_size},
          {"norm_epsilon", a.norm_epsilon},
          {"hidden_dropout", a.hidden_dropout},
          {"attention_dropout", a.attention_dropout},
          {"embedding",
           {{"vocab_size", a.embedding.vocab_size},
            {"max_positions", a.embedding.max_positions},
            {"type_vocab_size", a.embedding.type_vocab_size},
            {"pad_token_id", a.embedding.pad_token_id}}},
          {"layers", layers},
          {"has_pooler", a.has_pooler},
          {"head", {{"kind", to_string(a.head.kind)}, {"num_labels", a.head.num_labels}, {"labels", a.head.labels}}}};
}

Architecture architecture_from_json(const Json& json, std::string_view where) {
  Architecture a;
  const std::string base(where);
  a.family = json_get<std::string>(json, "family", where);
  a.hidden_size = size_from(json, "hidden_size", 1, where);
  a.norm_epsilon = real_from(json, "norm_epsilon", 0, 1, where);
  a.hidden_dropout = real_from(json, "hidden_dropout", 0, 1, where);
  a.attention_dropout = real_from(json, "attention_dropout", 0, 1, where);
  const Json embedding = json_get<Json>(json, "embedding", where);
  const std::string embedding_place = base + ", embedding";
  a.embedding.vocab_size = size_from(embedding, "vocab_size", 1, embedding_place);
  a.embedding.max_positions = size_from(embedding, "max_positions", 1, embedding_place);
  a.embedding.type_vocab_size = size_from(embedding, "type_vocab_size", 0, embedding_place);
  a.embedding.pad_token_id = size_from(embedding, "pad_token_id", 0, embedding_place);
  if (a.embedding.pad_token_id >= a.embedding.vocab_size) {
    throw Error(ErrorKind::Format,
                {"\"pad_token_id\" is not a row of the vocabulary", embedding_place,
                 fmt::format("{}", a.embedding.pad_token_id), fmt::format("below {}", a.embedding.vocab_size), ""});
  }
  const Json layers = json_get<Json>(json, "layers", where);
  if (!layers.is_array()) throw Error(ErrorKind::Format, {"\"layers\" is not a list", base, "", "a list", ""});
  for (size_t i = 0; i < layers.size(); ++i) {
    a.layers.push_back(layer_from_json(layers[i], fmt::format("{}, layer {}", where, i)));
  }
  a.has_pooler = json_get<bool>(json, "has_pooler", where);
  const Json head = json_get<Json>(json, "head", where);
  const std::string head_place = base + ", head";
  a.head.kind = enum_from<HeadKind>(head, "kind", kHeads, head_place);
  a.head.num_labels = size_from(head, "num_labels", a.head.kind == HeadKind::None ? 0 : 1, head_place);
  a.head.labels = json_get<std::vector<std::string>>(head, "labels", head_place);
  if (!a.head.labels.empty() && std::ssize(a.head.labels) != a.head.num_labels) {
    throw Error(ErrorKind::Format,
                {"\"labels\" does not name every label", head_place, fmt::format("{} names", a.head.labels.size()),
                 fmt::format("{} names", a.head.num_labels), ""});
  }
  return a;
}

std::vector<Slot> slots_of(const Architecture& a) {
  SlotList slots;
  slots.embedding("word", a.embedding.vocab_size, a.hidden_size);
  slots.embedding("position", a.embedding.max_positions, a.hidden_size);
  if (a.embedding.type_vocab_size > 0) slots.embedding("type", a.embedding.type_vocab_size, a.hidden_size);
  slots.norm("embeddings.norm", Part::Embeddings, {}, a.hidden_size);
  for (size_t i = 0; i < a.layers.size(); ++i) {
    add_layer(slots, a.layers[i], LayerIndex(static_cast<int64_t>(i)), a.hidden_size);
  }
  if (a.has_pooler) slots.linear("pooler.dense", Part::Pooler, {}, "dense", a.hidden_size, a.hidden_size);
  if (a.head.kind == HeadKind::MaskedLm) {
    slots.linear("head.dense", Part::Head, {}, "dense", a.hidden_size, a.hidden_size);
    slots.norm("head.norm", Part::Head, {}, a.hidden_size);
    slots.linear("head.out", Part::Head, {}, "out", a.embedding.vocab_size, a.hidden_size);
  } else if (a.head.kind != HeadKind::None) {
    slots.linear("head.out", Part::Head, {}, "out", a.head.num_labels, a.hidden_size);
  }
  return slots.take();
}

std::string layer_slot(LayerIndex layer, std::string_view module_path, std::string_view leaf) {
  return fmt::format("encoder.{}.{}.{}", layer.value, module_path, leaf);
}

}  // namespace espalier
